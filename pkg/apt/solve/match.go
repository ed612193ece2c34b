package solve

import (
	"cmp"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// provides reports whether the package x meets r by one of its Provides. Unversioned ones meet
// unversioned relations only; relation.Relation.Satisfied knows.
func provides(x *apt.Package, r relation.Relation) bool {
	return slices.ContainsFunc(x.Provides, func(p relation.Relation) bool {
		return p.Name == r.Name && r.Satisfied(p.Version)
	})
}

// meets reports whether x meets r, architectures aside.
func meets(x *apt.Package, r relation.Relation) bool {
	return x.Name == r.Name && r.Satisfied(x.Version) || provides(x, r)
}

// reaches reports whether a positive relation of a package of architecture from extends to x, by the
// rules of Multi-Arch.
func (p *pool) reaches(r relation.Relation, from int32, x *variable) bool {
	switch r.ArchQual {
	case "":
		return x.arch == from || x.pkg.MultiArch == "foreign"
	case "any":
		return x.pkg.MultiArch == "allowed"
	case "native":
		return x.arch == 0
	}
	return x.arch == p.archIndex(r.ArchQual)
}

// hits reports whether a negative relation extends to x: without qualifier to all architectures.
func (p *pool) hits(r relation.Relation, x *variable) bool {
	switch r.ArchQual {
	case "", "any":
		return true
	case "native":
		return x.arch == 0
	}
	return x.arch == p.archIndex(r.ArchQual)
}

// coinstallable reports whether two versions of one name may be installed together.
func coinstallable(a, b *variable) bool {
	return a.arch != b.arch && a.pkg.MultiArch == "same" && b.pkg.MultiArch == "same" &&
		version.Compare(a.pkg.Version, b.pkg.Version) == 0
}

// matching returns all versions, allowed or not, that meet a relation of a package from: those of the
// very name first, then providers. Both are in order of preference.
func (p *pool) matching(r relation.Relation, from id) []id {
	arch, source := p.at(from).arch, ""
	if from != root {
		source = p.at(from).pkg.Source
	}
	var own, others []id
	for _, v := range p.versions(r.Name) {
		if x := p.at(v); meets(x.pkg, r) && p.reaches(r, arch, x) {
			own = append(own, v)
		}
	}
	slices.SortStableFunc(own, p.compareVersions)
	for _, v := range p.providers(r.Name) {
		if x := p.at(v); x.pkg.Name != r.Name && provides(x.pkg, r) && p.reaches(r, arch, x) {
			others = append(others, v)
		}
	}
	slices.SortStableFunc(others, func(a, b id) int { return p.compareProviders(a, b, source) })
	return append(own, others...)
}

// compareVersions orders versions of one name: native ones, then installed (or to be upgraded), then
// the candidate, then the newest.
func (p *pool) compareVersions(a, b id) int {
	x, y := p.at(a), p.at(b)
	return cmp.Or(
		cmp.Compare(x.arch, y.arch),
		p.compareStanding(x, y),
		version.Compare(y.pkg.Version, x.pkg.Version),
	)
}

// compareStanding orders versions of one package: the installed one before its upgrade, or after it
// if everything is to be upgraded.
func (p *pool) compareStanding(x, y *variable) int {
	if p.req.UpgradeAll {
		return cmp.Or(first(x.candidate, y.candidate), first(x.installed, y.installed))
	}
	return cmp.Or(first(x.installed, y.installed), first(x.candidate, y.candidate))
}

// compareProviders orders the providers of a virtual package.
func (p *pool) compareProviders(a, b id, source string) int {
	x, y := p.at(a), p.at(b)
	return cmp.Or(
		first(x.installed || x.upgrades, y.installed || y.upgrades),
		first(x.pkg.Source == source, y.pkg.Source == source),
		first(x.pkg.Essential, y.pkg.Essential),
		first(x.pkg.Protected, y.pkg.Protected),
		cmp.Compare(x.arch, y.arch),
		cmp.Compare(priorityRank(x.pkg.Priority), priorityRank(y.pkg.Priority)),
		strings.Compare(y.pkg.Source, x.pkg.Source),
		strings.Compare(y.pkg.Name, x.pkg.Name),
		p.compareStanding(x, y),
		version.Compare(y.pkg.Version, x.pkg.Version),
	)
}

// solutions returns the allowed versions that meet a group of a package from, in order of preference.
func (p *pool) solutions(g relation.Group, from id) []id {
	var list []id
	for _, r := range g {
		for _, v := range p.matching(r, from) {
			if p.at(v).allowed && !slices.Contains(list, v) {
				list = append(list, v)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b id) int { return cmp.Compare(p.standing(a), p.standing(b)) })
	return list
}

// standing ranks alternatives: what is installed first, then its upgrade, and versions that are a last
// resort last. If everything is to be upgraded the upgrade is as good as what is installed.
func (p *pool) standing(v id) int {
	switch x := p.at(v); {
	case x.installed, x.upgrades && x.candidate && p.req.UpgradeAll:
		return 0
	case x.upgrades && x.candidate:
		return 1
	case x.candidate:
		return 2
	}
	return lastResort
}

// lastResort is the standing of versions that are not the candidate.
const lastResort = 3

// opponents returns the allowed versions that a negative relation of a package from excludes. Neither
// the package itself nor, by what it provides, another architecture of it is its opponent.
func (p *pool) opponents(r relation.Relation, from id) []id {
	var list []id
	self := p.at(from)
	for _, v := range p.versions(r.Name) {
		x := p.at(v)
		if x.allowed && r.Satisfied(x.pkg.Version) && p.hits(r, x) && !(x.pkg.Name == self.pkg.Name && x.arch == self.arch) {
			list = append(list, v)
		}
	}
	for _, v := range p.providers(r.Name) {
		x := p.at(v)
		if x.allowed && x.pkg.Name != self.pkg.Name && provides(x.pkg, r) && p.hits(r, x) && !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

// first orders what is true before what is not.
func first(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return -1
	}
	return 1
}

// priorityRank orders the values of the field Priority.
func priorityRank(priority string) int {
	for i, p := range [...]string{"required", "important", "standard", "optional", "extra"} {
		if strings.EqualFold(p, priority) {
			return i
		}
	}
	return 3
}
