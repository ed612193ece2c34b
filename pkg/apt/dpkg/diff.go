package dpkg

import (
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// Change is a package in two versions.
type Change struct{ From, To *apt.Package }

// Changes is the difference between two sets of packages. All lists are sorted by name and
// architecture.
type Changes struct {
	Added, Removed       []*apt.Package
	Upgraded, Downgraded []Change
}

// Empty reports whether there is no difference.
func (c Changes) Empty() bool {
	return len(c.Added)+len(c.Removed)+len(c.Upgraded)+len(c.Downgraded) == 0
}

// Diff compares two sets of packages by name and architecture. A package that changes between its
// architecture and "all" is the same package. Versions that dpkg takes for equal are no difference.
func Diff(from, to []*apt.Package) Changes {
	var c Changes
	left := map[apt.Key]*apt.Package{}
	for _, p := range from {
		left[p.Key()] = p
	}
	var fresh []*apt.Package
	for _, p := range to {
		if old := left[p.Key()]; old != nil {
			delete(left, p.Key())
			c.add(old, p)
		} else {
			fresh = append(fresh, p)
		}
	}
	for _, p := range fresh {
		if old := switched(left, p); old != nil {
			delete(left, old.Key())
			c.add(old, p)
		} else {
			c.Added = append(c.Added, p)
		}
	}
	for _, p := range left {
		c.Removed = append(c.Removed, p)
	}
	c.sort()
	return c
}

// add records a package that is in both sets.
func (c *Changes) add(from, to *apt.Package) {
	switch order := version.Compare(from.Version, to.Version); {
	case order < 0:
		c.Upgraded = append(c.Upgraded, Change{from, to})
	case order > 0:
		c.Downgraded = append(c.Downgraded, Change{from, to})
	}
}

// switched finds the package that p was before its architecture changed from or to "all".
func switched(left map[apt.Key]*apt.Package, p *apt.Package) *apt.Package {
	if p.Architecture != "all" {
		return left[apt.Key{Name: p.Name, Architecture: "all"}]
	}
	var only *apt.Package
	for key, old := range left {
		if key.Name != p.Name {
			continue
		}
		if only != nil {
			return nil
		}
		only = old
	}
	return only
}

// sort puts all lists in order.
func (c *Changes) sort() {
	slices.SortFunc(c.Added, compareKeys)
	slices.SortFunc(c.Removed, compareKeys)
	for _, list := range [][]Change{c.Upgraded, c.Downgraded} {
		slices.SortFunc(list, func(a, b Change) int { return compareKeys(a.To, b.To) })
	}
}
