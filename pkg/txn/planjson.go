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
	if err := json.Unmarshal(text, &document); err != nil {
		return err
	}
	p.Diff = dpkg.Changes{}
	for _, e := range document.Diff {
		switch e.kind {
		case diffAdded:
			p.Diff.Added = append(p.Diff.Added, e.current)
		case diffRemoved:
			p.Diff.Removed = append(p.Diff.Removed, e.old)
		case diffUpgraded:
			p.Diff.Upgraded = append(p.Diff.Upgraded, dpkg.Change{From: e.old, To: e.current})
		case diffDowngraded:
			p.Diff.Downgraded = append(p.Diff.Downgraded, dpkg.Change{From: e.old, To: e.current})
		default:
			return fmt.Errorf("pkgdiff: kind %d is none", e.kind)
		}
	}
	return nil
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
