package solve

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
)

// Batch is a step of an installation: what dpkg unpacks, in this order, and then configures.
type Batch struct {
	Unpack    []*apt.Package
	Configure []*apt.Package
}

// CycleError says that packages Pre-Depend on each other, directly or by way of what else they need,
// so that none of them can be unpacked first.
type CycleError struct{ Packages []*apt.Package }

// Error implements error.
func (e *CycleError) Error() string {
	names := make([]string, 0, len(e.Packages))
	for _, p := range e.Packages {
		names = append(names, p.Name)
	}
	return "packages pre-depend on each other: " + strings.Join(names, ", ")
}

// Batches puts the packages of a solution, new ones and new versions, in an order that dpkg can
// follow. Pre-Depends have to be configured before a package is unpacked (Debian Policy 7.2), so a
// batch ends where one is; what it configures is what the next batch needs, the last one configures
// the rest. installed are the packages that were there before and stay, in the old versions. New Essential packages and
// what they need are configured before anything else is unpacked: all others may rely on them without
// saying so (Debian Policy 3.8).
//
// Within a batch packages come after what they depend on, and equal ones by name; packages that depend
// on each other are together. Dependencies need no more than to be in the same Configure: dpkg finds
// the order, and breaks cycles at a package without postinst. The order of the arguments does not
// matter.
func Batches(ctx context.Context, install, installed []*apt.Package) ([]Batch, error) {
	o := newOrder(install, installed)
	for _, i := range o.essential {
		o.visit(i)
	}
	o.base = o.levels()
	for i := range o.nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		o.visit(i)
	}
	if o.cycle != nil {
		return nil, o.cycle
	}
	return o.batches(), nil
}

// node is a package to install.
type node struct {
	pkg *apt.Package
	// pre and deps are the nodes that meet Pre-Depends and Depends.
	pre, deps []int
	// level is the batch to unpack in, ready the one after which the package can be configured.
	level, ready int
	configured   bool
	// Of Tarjan's algorithm for strongly connected components.
	index, low int
	stacked    bool
}

// order is the graph of the packages to install.
type order struct {
	nodes  []node
	native string
	// byName and provided find packages, to be installed and to stay.
	byName, provided map[string][]candidate
	stack            []int
	visited          int
	sorted           []int
	cycle            error
	// essential are the nodes of new Essential packages, base is the first batch after theirs.
	essential []int
	base      int
}

// candidate is a package that may meet a dependency. Its node is -1 if it is installed already.
type candidate struct {
	pkg  *apt.Package
	node int
}

// newOrder makes the graph.
func newOrder(install, installed []*apt.Package) *order {
	o := &order{native: nativeArchitecture(slices.Concat(install, installed)), byName: map[string][]candidate{}, provided: map[string][]candidate{}}
	for _, p := range sortedPackages(installed) {
		o.add(candidate{p, -1})
	}
	for i, p := range sortedPackages(install) {
		o.nodes = append(o.nodes, node{pkg: p})
		if p.Essential && len(o.byName[p.Name]) == 0 {
			o.essential = append(o.essential, i)
		}
		o.add(candidate{p, i})
	}
	for i := range o.nodes {
		n := &o.nodes[i]
		n.pre = o.edges(n.pkg, n.pkg.PreDepends)
		n.deps = o.edges(n.pkg, n.pkg.Depends)
	}
	return o
}

// add makes a package known.
func (o *order) add(c candidate) {
	o.byName[c.pkg.Name] = append(o.byName[c.pkg.Name], c)
	for _, r := range c.pkg.Provides {
		o.provided[r.Name] = append(o.provided[r.Name], c)
	}
}

// edges returns, for each group that no installed package meets, the node that does.
func (o *order) edges(p *apt.Package, groups []relation.Group) []int {
	var found []int
	for _, g := range groups {
		if to := o.meeting(p, g); to >= 0 && o.nodes[to].pkg != p && !slices.Contains(found, to) {
			found = append(found, to)
		}
	}
	slices.Sort(found)
	return found
}

// meeting returns the node of the first package to be installed that meets a group; -1 if there is
// none, or if an installed package does. An installed version that is about to be replaced counts: dpkg
// accepts it until the new one is configured.
func (o *order) meeting(p *apt.Package, g relation.Group) int {
	first := -1
	for _, r := range g {
		for _, c := range slices.Concat(o.byName[r.Name], o.provided[r.Name]) {
			if !meets(c.pkg, r) || !o.reaches(p, c.pkg, r.ArchQual) {
				continue
			}
			if c.node < 0 {
				return -1
			}
			if first < 0 {
				first = c.node
			}
		}
	}
	return first
}

// reaches applies the Multi-Arch rules.
func (o *order) reaches(p, to *apt.Package, qualifier string) bool {
	switch qualifier {
	case "":
		return to.MultiArch == "foreign" || o.arch(to) == o.arch(p)
	case "any":
		return to.MultiArch == "allowed"
	case "native":
		return o.arch(to) == o.native
	}
	return o.arch(to) == qualifier
}

// arch returns the architecture that a package counts as.
func (o *order) arch(p *apt.Package) string {
	if p.Architecture == "all" {
		return o.native
	}
	return p.Architecture
}

// nativeArchitecture finds the native architecture: that of dpkg, else the most frequent one.
func nativeArchitecture(packages []*apt.Package) string {
	count := map[string]int{}
	native := ""
	for _, p := range packages {
		if p.Architecture == "all" {
			continue
		}
		if p.Name == "dpkg" {
			return p.Architecture
		}
		count[p.Architecture]++
	}
	for _, arch := range slices.Sorted(maps.Keys(count)) {
		if count[arch] > count[native] {
			native = arch
		}
	}
	return native
}

// visit walks the graph depth first and completes components, dependencies first.
func (o *order) visit(i int) {
	n := &o.nodes[i]
	if n.index > 0 {
		return
	}
	o.visited++
	n.index, n.low, n.stacked = o.visited, o.visited, true
	o.stack = append(o.stack, i)
	for _, to := range slices.Concat(n.pre, n.deps) {
		switch t := &o.nodes[to]; {
		case t.index == 0:
			o.visit(to)
			n.low = min(n.low, t.low)
		case t.stacked:
			n.low = min(n.low, t.index)
		}
	}
	if n.low < n.index {
		return
	}
	start := slices.Index(o.stack, i)
	o.complete(o.stack[start:])
	o.stack = o.stack[:start]
}

// complete assigns batches to the members of a component: everything it needs has its own already.
func (o *order) complete(members []int) {
	ready := 0
	for _, i := range members {
		n := &o.nodes[i]
		n.level = o.base
		for _, to := range n.pre {
			if o.nodes[to].stacked && o.cycle == nil {
				o.cycle = o.cycleError(members)
			}
			n.level = max(n.level, o.nodes[to].ready+1)
		}
		for _, to := range n.deps {
			ready = max(ready, o.nodes[to].ready)
		}
		ready = max(ready, n.level)
	}
	// A package depends on what was visited after it, so the last comes first.
	for _, i := range slices.Backward(members) {
		o.nodes[i].ready, o.nodes[i].stacked = ready, false
		o.sorted = append(o.sorted, i)
	}
}

// cycleError names the members of a component.
func (o *order) cycleError(members []int) error {
	e := &CycleError{}
	for _, i := range slices.Sorted(slices.Values(members)) {
		e.Packages = append(e.Packages, o.nodes[i].pkg)
	}
	return fmt.Errorf("order packages: %w", e)
}

// levels returns the number of batches that the packages sorted so far need.
func (o *order) levels() int {
	levels := 0
	for _, i := range o.sorted {
		levels = max(levels, o.nodes[i].level+1)
	}
	return levels
}

// batches cuts the sorted packages into batches.
func (o *order) batches() []Batch {
	batches := make([]Batch, o.levels())
	for level := range batches {
		needed := make([]bool, len(o.nodes))
		if level == o.base-1 {
			o.need(o.essential, needed)
		}
		for _, i := range o.sorted {
			n := &o.nodes[i]
			if n.level == level {
				batches[level].Unpack = append(batches[level].Unpack, n.pkg)
			}
			if n.level == level+1 {
				o.need(n.pre, needed)
			}
		}
		for _, i := range o.sorted {
			if n := &o.nodes[i]; !n.configured && (needed[i] || level == len(batches)-1) {
				n.configured = true
				batches[level].Configure = append(batches[level].Configure, n.pkg)
			}
		}
	}
	return batches
}

// need marks nodes and everything they depend on.
func (o *order) need(list []int, needed []bool) {
	for _, i := range list {
		if !needed[i] && !o.nodes[i].configured {
			needed[i] = true
			o.need(o.nodes[i].pre, needed)
			o.need(o.nodes[i].deps, needed)
		}
	}
}
