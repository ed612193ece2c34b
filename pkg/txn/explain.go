package txn

import (
	"context"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

// Explanation says why a package is part of a deployment.
type Explanation struct {
	Package InstalledPackage
	// Base is the version of the base that has it, "" if the package is layered.
	Base string
	// Because leads from a request to a layered package.
	Because []solve.Reason
	// NeededBy are the installed packages that need it.
	NeededBy []Need
}

// Need is a dependency of an installed package that another one meets.
type Need struct {
	Package  *apt.Package
	Kind     solve.Kind // Depends, PreDepends or Recommends
	Relation relation.Group
	// Alone says that nothing else which is installed meets it.
	Alone bool
}

// current gives the deployment that boots next, an error if there is none.
func (s *System) current(ctx context.Context) (deploy.Deployment, error) {
	deployments, stateroot, err := s.pending(ctx)
	if err != nil {
		return deploy.Deployment{}, err
	}
	if len(deployments) == 0 {
		return deploy.Deployment{}, &NoDeploymentError{Sysroot: s.path, Stateroot: stateroot, Need: 1}
	}
	return deployments[0], nil
}

// Why explains why a package is part of the deployment that boots next: what is layered goes back to a
// request. No archive is needed. The error is a [*solve.NotFoundError] if it is not installed.
func (s *System) Why(ctx context.Context, name string) (*Explanation, error) {
	installed, err := s.Installed(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(installed, func(p InstalledPackage) bool { return names(name, p.Package) && p.Name == plainName(name) })
	if i < 0 {
		i = slices.IndexFunc(installed, func(p InstalledPackage) bool { return names(name, p.Package) })
	}
	if i < 0 {
		return nil, notInstalled(name, installed)
	}
	out := &Explanation{Package: installed[i], NeededBy: neededBy(installed, installed[i].Package)}
	d, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	if out.Package.Layer == LayerBase {
		out.Base = d.Version
		return out, nil
	}
	out.Because, err = s.because(ctx, d, installed, out.Package.Package)
	return out, err
}

// because solves the requests again, among what is installed only, to learn the way to a package.
func (s *System) because(ctx context.Context, d deploy.Deployment, installed []InstalledPackage, p *apt.Package) ([]solve.Reason, error) {
	foreign, err := s.foreignArchitectures(ctx, d.Checksum)
	if err != nil {
		return nil, err
	}
	req := solve.Request{Architecture: s.opts.Architecture, ForeignArchitectures: foreign, Recommends: true}
	var all []*apt.Package
	for _, one := range installed {
		all = append(all, one.Package)
		switch one.Layer {
		case LayerBase:
			req.Installed = append(req.Installed, one.Package)
		case LayerLocal, LayerReplaced:
			req.Local = append(req.Local, one.Package)
		case LayerRequest, LayerDepends:
		}
	}
	for _, request := range originOf(d).Requested {
		if slices.ContainsFunc(all, func(p *apt.Package) bool { return names(request, p) }) {
			req.Install = append(req.Install, plainName(request))
		}
	}
	solution, err := solve.Solve(ctx, apt.NewUniverse(all), req)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(solution.Resulting, func(x *apt.Package) bool { return x.Key() == p.Key() })
	if i < 0 {
		return nil, nil // asked for when the archives were others
	}
	return solution.Why(solution.Resulting[i]), nil
}

// WhyNot says why a package, NAME[:ARCH][=VERSION|/SUITE], could not be layered on the deployment that
// boots next. No reasons mean that it could; the solution then has what would come with it.
func (s *System) WhyNot(ctx context.Context, name string, cacheOnly bool) (*solve.Solution, []solve.Reason, error) {
	deployments, stateroot, err := s.pending(ctx)
	if err != nil {
		return nil, nil, err
	}
	p := &Plan{Change: Change{CacheOnly: cacheOnly}, Stateroot: stateroot, boot: deployments}
	if len(deployments) == 0 {
		return nil, nil, &NoDeploymentError{Sysroot: s.path, Stateroot: stateroot, Need: 1}
	}
	if err := s.planOrigin(ctx, p); err != nil {
		return nil, nil, err
	}
	w, err := s.wants(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	root, err := s.configured(ctx, deployments[0])
	if err != nil {
		return nil, nil, err
	}
	config, err := conf.Load(root)
	if err != nil {
		return nil, nil, err
	}
	archive, err := s.openArchive(ctx, deployments[0], network(cacheOnly))
	if err != nil {
		return nil, nil, err
	}
	w.request.Policy, w.request.Recommends = archive.policy, config.Bool("APT::Install-Recommends", true)
	return solve.WhyNot(ctx, archive.universe, w.request, name)
}

// neededBy finds the packages with a dependency that p meets, those first that nothing else satisfies.
func neededBy(installed []InstalledPackage, p *apt.Package) []Need {
	var needs []Need
	for _, other := range installed {
		if other.Key() == p.Key() {
			continue
		}
		for _, field := range []struct {
			kind   solve.Kind
			groups []relation.Group
		}{{solve.PreDepends, other.PreDepends}, {solve.Depends, other.Depends}, {solve.Recommends, other.Recommends}} {
			for _, g := range field.groups {
				if !meets(p, g) {
					continue
				}
				alone := !slices.ContainsFunc(installed, func(x InstalledPackage) bool { return x.Key() != p.Key() && meets(x.Package, g) })
				needs = append(needs, Need{Package: other.Package, Kind: field.kind, Relation: g, Alone: alone})
			}
		}
	}
	slices.SortStableFunc(needs, func(a, b Need) int {
		switch {
		case a.Alone == b.Alone:
			return 0
		case a.Alone:
			return -1
		}
		return 1
	})
	return needs
}

// meets tells whether a package, by its name or by what it provides, meets one of the alternatives.
func meets(p *apt.Package, g relation.Group) bool {
	return slices.ContainsFunc(g, func(r relation.Relation) bool {
		if r.Name == p.Name && r.Satisfied(p.Version) {
			return true
		}
		return slices.ContainsFunc(p.Provides, func(v relation.Relation) bool {
			return v.Name == r.Name && r.Satisfied(v.Version)
		})
	})
}

func notInstalled(name string, installed []InstalledPackage) error {
	all := make([]*apt.Package, 0, len(installed))
	for _, p := range installed {
		all = append(all, p.Package)
	}
	return &solve.NotFoundError{Missing: []solve.Missing{{
		Request: name, Problem: "not installed", Near: apt.NewUniverse(all).Nearest(plainName(name), 3),
	}}}
}
