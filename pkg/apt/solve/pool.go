package solve

import (
	"cmp"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// id is a package version, an index into pool.vars. Zero is the root: what the request wants.
type id int32

const root id = 0

// variable is what the search decides on: whether a package version is in the solution.
type variable struct {
	pkg *apt.Package
	// offer is the same version as the source has it, if pkg is not from there.
	offer *apt.Package
	arch  int32 // index into pool.archs; "all" is native
	// installed and local say where it is from, candidate that it is the best choice of its name.
	installed, local, candidate bool
	// allowed variables may be chosen, others are known for explanations only.
	allowed bool
	// excluded says that the request forbids it.
	excluded bool
	// upgrades says that another version of the package is installed.
	upgrades bool
	priority int32 // of its source
}

// pool holds the packages a search has come across, loaded from the source by name.
type pool struct {
	src   Source
	req   Request
	archs []string // the native one first
	vars  []variable
	names map[string][]id // newest first
	ids   map[*apt.Package]id
	// provided caches providers.
	provided map[string][]id
	// The packages that are not of the source, by name and by what they provide.
	extra, extraProviders map[string][]*apt.Package
	local                 map[*apt.Package]bool
	pins                  map[string][]expression
	excluded, removed     []expression
	held, named, unlocked []expression // named is all that Install names
	older                 bool
}

// Priorities of apt_preferences(5).
const (
	priorityNotAutomatic = 1
	priorityInstalled    = 100
	priorityDefault      = 500
	priorityDowngrade    = 1000
	priorityLocal        = 1001
)

// newPool prepares the packages for a sorted request.
func newPool(src Source, req Request) *pool {
	p := &pool{
		src: src, req: req,
		vars:           make([]variable, 1, 4096),
		names:          map[string][]id{},
		ids:            map[*apt.Package]id{},
		provided:       map[string][]id{},
		extra:          map[string][]*apt.Package{},
		extraProviders: map[string][]*apt.Package{},
		local:          map[*apt.Package]bool{},
		pins:           map[string][]expression{},
		older:          req.Lock,
	}
	p.archs = slices.Concat([]string{req.Architecture}, req.ForeignArchitectures)
	for _, l := range req.Local {
		p.local[l] = true
	}
	for _, pkg := range req.Installed {
		if !slices.Contains(p.archs, pkg.Architecture) && pkg.Architecture != "all" {
			p.archs = append(p.archs, pkg.Architecture)
		}
		p.addExtra(pkg)
	}
	for _, pkg := range req.Local {
		p.addExtra(pkg)
	}
	p.excluded, p.removed = parseAll(req.Exclude), parseAll(req.Remove)
	p.held, p.named, p.unlocked = parseAll(req.Hold), parseAll(req.Install), parseAll(req.Unlock)
	for _, e := range p.named {
		if e.pinned() {
			p.pins[e.name] = append(p.pins[e.name], e)
			p.older = true
		}
	}
	return p
}

// addExtra remembers a package that the source need not have.
func (p *pool) addExtra(pkg *apt.Package) {
	p.extra[pkg.Name] = append(p.extra[pkg.Name], pkg)
	for _, r := range pkg.Provides {
		if have := p.extraProviders[r.Name]; len(have) == 0 || have[len(have)-1] != pkg {
			p.extraProviders[r.Name] = append(have, pkg)
		}
	}
}

// at returns the variable of an id.
func (p *pool) at(v id) *variable { return &p.vars[v] }

// archIndex returns the index of an architecture in archs, -1 for one that is not enabled.
func (p *pool) archIndex(arch string) int32 {
	if arch == "all" {
		return 0
	}
	return int32(slices.Index(p.archs, arch))
}

// versions returns all versions of a name: newest first, then in the order of architectures.
func (p *pool) versions(name string) []id {
	if list, ok := p.names[name]; ok {
		return list
	}
	var list []id
	for _, pkg := range p.extra[name] {
		list = p.load(list, pkg, !p.local[pkg])
	}
	for _, pkg := range p.src.Versions(name) {
		list = p.load(list, pkg, false)
	}
	slices.SortStableFunc(list, func(a, b id) int {
		x, y := p.at(a), p.at(b)
		return cmp.Or(version.Compare(y.pkg.Version, x.pkg.Version), cmp.Compare(x.arch, y.arch))
	})
	p.names[name] = list
	p.rate(list)
	return list
}

// load makes a variable of a package, unless its version is there already.
func (p *pool) load(list []id, pkg *apt.Package, installed bool) []id {
	arch := p.archIndex(pkg.Architecture)
	if arch < 0 {
		return list
	}
	for _, v := range list {
		if have := p.at(v); have.pkg.Architecture == pkg.Architecture && version.Compare(have.pkg.Version, pkg.Version) == 0 {
			have.offer, have.priority = pkg, max(have.priority, p.priority(pkg, have.installed))
			if !have.local && p.req.Policy != nil {
				have.priority = p.priority(pkg, have.installed)
			}
			p.ids[pkg] = v
			return list
		}
	}
	v := id(len(p.vars))
	p.vars = append(p.vars, variable{
		pkg: pkg, arch: arch, installed: installed, local: p.local[pkg],
		priority: p.priority(pkg, installed),
	})
	p.ids[pkg] = v
	return append(list, v)
}

// priority returns the apt priority of a version.
func (p *pool) priority(pkg *apt.Package, installed bool) int32 {
	switch {
	case p.local[pkg]:
		return priorityLocal
	case p.req.Policy != nil:
		return int32(p.req.Policy.Priority(pkg, installed))
	case pkg.Origin != nil && pkg.Origin.NotAutomatic && !pkg.Origin.ButAutomaticUpgrades && !installed:
		return priorityNotAutomatic
	case pkg.Origin != nil && !pkg.Origin.NotAutomatic, pkg.Origin == nil && !installed:
		return priorityDefault
	}
	return priorityInstalled
}

// rate finds the candidate of each architecture and what is allowed beside it.
func (p *pool) rate(list []id) {
	for arch := range int32(len(p.archs)) {
		best, installed := p.best(list, arch)
		for _, v := range list {
			x := p.at(v)
			if x.arch != arch {
				continue
			}
			x.candidate = v == best || p.pinned(x)
			x.upgrades = installed != root && v != installed
			x.excluded = !x.installed && (matchesAny(p.excluded, x.pkg, p) || p.req.NoNew && p.isNew(x, installed))
			last := p.older && x.priority >= priorityDefault
			x.allowed = !x.excluded && (x.candidate || x.installed || x.local || last)
		}
	}
}

// locked reports whether an installed package may not change.
func (p *pool) locked(pkg *apt.Package) bool {
	return p.req.Lock && !matchesAny(p.unlocked, pkg, p)
}

// isNew reports whether a package that nobody has asked for is not installed in any version.
func (p *pool) isNew(x *variable, installed id) bool {
	return installed == root && !x.local && !matchesAny(p.named, x.pkg, p)
}

// best returns the candidate and the installed version of an architecture, the root if there is none.
// The candidate is the newest of the highest priority, which must be more than 0; and versions older
// than the installed one need [priorityDowngrade].
func (p *pool) best(list []id, arch int32) (best, installed id) {
	for _, v := range list {
		if x := p.at(v); x.arch == arch && x.installed {
			installed = v
		}
	}
	for _, v := range list { // newest first, so that the first of the highest priority wins
		x := p.at(v)
		if x.arch != arch || x.priority <= 0 {
			continue
		}
		order := 1
		if installed != root {
			order = version.Compare(x.pkg.Version, p.at(installed).pkg.Version)
		}
		if order < 0 && x.priority < priorityDowngrade {
			continue
		}
		if order > 0 && installed != root && p.phased(x) {
			x.priority = min(x.priority, priorityNotAutomatic)
		}
		if best == root || x.priority > p.at(best).priority {
			best = v
		}
	}
	return best, installed
}

// phased reports whether an upgrade is not for this machine yet. Requests do not wait.
func (p *pool) phased(x *variable) bool {
	return p.req.Policy != nil && p.req.Policy.Phased(x.pkg) && !x.local && !matchesAny(p.named, x.pkg, p)
}

// pinned reports whether a request names this version.
func (p *pool) pinned(x *variable) bool {
	return slices.ContainsFunc(p.pins[x.pkg.Name], func(e expression) bool { return e.matches(x.pkg, p) })
}

// providers returns the packages that provide a name, in no useful order.
func (p *pool) providers(name string) []id {
	if list, ok := p.provided[name]; ok {
		return list
	}
	var list []id
	for _, from := range [2][]*apt.Package{p.extraProviders[name], p.src.Providers(name)} {
		for _, pkg := range from {
			p.versions(pkg.Name)
			if v, ok := p.ids[pkg]; ok && !slices.Contains(list, v) {
				list = append(list, v)
			}
		}
	}
	p.provided[name] = list
	return list
}

// comparePackages orders by name, architecture, version.
func comparePackages(a, b *apt.Package) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Architecture, b.Architecture),
		version.Compare(a.Version, b.Version))
}
