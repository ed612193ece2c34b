package txn

import (
	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// DiffDocument is a package difference in rpm-ostree's JSON form: each entry of pkgdiff is the
// triple of name, kind (0 added, 1 removed, 2 upgraded, 3 downgraded) and the package versions.
func DiffDocument(from, to ostree.Checksum, d dpkg.Changes) map[string]any {
	return map[string]any{
		"ostree-commit-from": from.String(),
		"ostree-commit-to":   to.String(),
		"pkgdiff":            pkgdiff(d),
	}
}

// The kinds of a pkgdiff.
const (
	diffAdded = iota
	diffRemoved
	diffUpgraded
	diffDowngraded
)

func pkgdiff(d dpkg.Changes) [][]any {
	entries := [][]any{}
	add := func(kind int, old, current *apt.Package) {
		versions := map[string]any{}
		name := ""
		if old != nil {
			name = old.Name
			versions["PreviousPackage"] = [3]string{old.Name, old.Version.String(), old.Architecture}
		}
		if current != nil {
			name = current.Name
			versions["NewPackage"] = [3]string{current.Name, current.Version.String(), current.Architecture}
		}
		entries = append(entries, []any{name, kind, versions})
	}
	for _, p := range d.Added {
		add(diffAdded, nil, p)
	}
	for _, p := range d.Removed {
		add(diffRemoved, p, nil)
	}
	for _, c := range d.Upgraded {
		add(diffUpgraded, c.From, c.To)
	}
	for _, c := range d.Downgraded {
		add(diffDowngraded, c.From, c.To)
	}
	return entries
}
