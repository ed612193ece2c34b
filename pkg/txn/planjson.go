package txn

import (
	"encoding/json"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// UnmarshalJSON reads what MarshalJSON wrote: a plan to be shown, which cannot be applied. The packages of
// Diff have name, version and architecture only.
func (p *Plan) UnmarshalJSON(text []byte) error {
	type plain Plan
	document := struct {
		*plain
		Diff []pkgdiffEntry `json:"pkgdiff"`
	}{plain: (*plain)(p)}
	err := json.Unmarshal(text, &document)
	if err == nil {
		p.Diff, err = parsePkgdiff(document.Diff)
	}
	return err
}

// UnmarshalJSON reads what MarshalJSON wrote, like that of [Plan].
func (p *LivePlan) UnmarshalJSON(text []byte) error {
	type plain LivePlan
	document := struct {
		*plain
		Diff []pkgdiffEntry `json:"pkgdiff"`
	}{plain: (*plain)(p)}
	err := json.Unmarshal(text, &document)
	if err == nil {
		p.Diff, err = parsePkgdiff(document.Diff)
	}
	return err
}

func parsePkgdiff(entries []pkgdiffEntry) (d dpkg.Changes, err error) {
	for _, e := range entries {
		switch e.kind {
		case diffAdded:
			d.Added = append(d.Added, e.current)
		case diffRemoved:
			d.Removed = append(d.Removed, e.old)
		case diffUpgraded:
			d.Upgraded = append(d.Upgraded, dpkg.Change{From: e.old, To: e.current})
		case diffDowngraded:
			d.Downgraded = append(d.Downgraded, dpkg.Change{From: e.old, To: e.current})
		default:
			return d, fmt.Errorf("pkgdiff: kind %d is none", e.kind)
		}
	}
	return d, nil
}

// pkgdiffEntry is one entry of pkgdiff.
type pkgdiffEntry struct {
	kind         int
	old, current *apt.Package
}

func (e *pkgdiffEntry) UnmarshalJSON(text []byte) error {
	var name string
	var versions struct {
		PreviousPackage, NewPackage *[3]string
	}
	if err := json.Unmarshal(text, &[]any{&name, &e.kind, &versions}); err != nil {
		return fmt.Errorf("pkgdiff: %w", err)
	}
	for _, side := range []struct {
		words *[3]string
		to    **apt.Package
		need  bool
	}{
		{versions.PreviousPackage, &e.old, e.kind != diffAdded},
		{versions.NewPackage, &e.current, e.kind != diffRemoved},
	} {
		if side.words == nil {
			if side.need {
				return fmt.Errorf("pkgdiff: %s: a version is missing", name)
			}
			continue
		}
		v, err := version.Parse(side.words[1])
		if err != nil {
			return fmt.Errorf("pkgdiff: %s: %w", name, err)
		}
		*side.to = &apt.Package{Name: side.words[0], Version: v, Architecture: side.words[2]}
	}
	return nil
}
