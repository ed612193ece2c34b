package txn

import (
	"context"
	"maps"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// InitramfsArgs is initramfsArgs, for tests.
var InitramfsArgs = (*System).initramfsArgs

// RemovedValue and ReplacedValue are metadata of layered commits, for tests.
var (
	RemovedValue  = removedValue
	ReplacedValue = replacedValue
)

// PlannedOrigin is the origin that a plan leads to.
func PlannedOrigin(p *Plan) *origin.Origin { return p.origin }

// Fetch does the step of Apply that brings packages into the repository, and returns their digests.
func Fetch(ctx context.Context, s *System, p *Plan) ([]string, error) {
	if p.solution == nil {
		return nil, nil
	}
	a := &application{system: s, plan: p}
	err := step.Run(ctx, []step.Step{{Name: "fetch", Weight: 1, Do: a.download}}, step.Options{})
	return distinct(slices.Collect(maps.Values(a.sums))), err
}

// Advisories is advisories, for tests.
var Advisories = advisories
