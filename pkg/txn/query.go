package txn

import (
	"context"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Universe gives what the APT sources of the deployment that boots next offer. With cacheOnly the
// last fetched metadata is used.
func (s *System) Universe(ctx context.Context, cacheOnly bool) (*apt.Universe, error) {
	d, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	archive, err := s.openArchive(ctx, d, network(cacheOnly))
	if err != nil {
		return nil, err
	}
	return archive.universe, nil
}

// Layer says where an installed package comes from.
type Layer string

// The layers of a deployment.
const (
	LayerBase     Layer = "base"     // the base commit
	LayerRequest  Layer = "layered"  // a request
	LayerDepends  Layer = "depends"  // layered because a request needs it
	LayerLocal    Layer = "local"    // a package file
	LayerReplaced Layer = "override" // instead of the package that the base has
)

// InstalledPackage is a package of a deployment.
type InstalledPackage struct {
	*apt.Package
	Layer Layer
}

// Installed lists the packages of the deployment that boots next, sorted by name.
func (s *System) Installed(ctx context.Context) ([]InstalledPackage, error) {
	current, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	base, err := s.Base(ctx, current.Checksum)
	if err != nil {
		return nil, err
	}
	versions, err := s.versions(ctx, base)
	if err != nil {
		return nil, err
	}
	packages, err := s.Packages(ctx, current.Checksum)
	if err != nil {
		return nil, err
	}
	o := originOf(current)
	out := make([]InstalledPackage, 0, len(packages))
	for _, p := range packages {
		layer := LayerBase
		if versions[p.Key()] != p.Version { // not there, or replaced
			layer = layerOf(o, p)
		}
		out = append(out, InstalledPackage{p, layer})
	}
	return out, nil
}

// layerOf says where a package comes from that the base does not have.
func layerOf(o *origin.Origin, p *apt.Package) Layer {
	isFile := func(name string) bool { return name == full(p) }
	switch {
	case slices.ContainsFunc(localNames(o.OverrideReplaceLocal), isFile), slices.ContainsFunc(o.OverrideReplace, func(entry string) bool {
		_, list, _ := strings.Cut(entry, ",")
		return slices.Contains(strings.Split(list, ","), p.Name)
	}):
		return LayerReplaced
	case slices.ContainsFunc(localNames(slices.Concat(o.RequestedLocal, o.RequestedLocalOverride)), isFile):
		return LayerLocal
	case slices.ContainsFunc(o.Requested, func(request string) bool { return names(request, p) }):
		return LayerRequest
	}
	return LayerDepends
}

// network is the access of a query.
func network(cacheOnly bool) access {
	if cacheOnly {
		return offline
	}
	return online
}

// plainName is a request without version and suite.
func plainName(request string) string {
	request, _, _ = strings.Cut(request, "=")
	request, _, _ = strings.Cut(request, "/")
	return request
}

// names says whether a request, NAME[:ARCH][=VERSION|/SUITE], is for a package or for something
// that it provides.
func names(request string, p *apt.Package) bool {
	name, arch, _ := strings.Cut(plainName(request), ":")
	if arch != "" && arch != p.Architecture && p.Architecture != "all" {
		return false
	}
	return name == p.Name || slices.ContainsFunc(p.Provides, func(r relation.Relation) bool { return r.Name == name })
}

// versions are those of the packages of a commit.
func (s *System) versions(ctx context.Context, c ostree.Checksum) (map[apt.Key]version.Version, error) {
	packages, err := s.Packages(ctx, c)
	if err != nil {
		return nil, err
	}
	versions := make(map[apt.Key]version.Version, len(packages))
	for _, p := range packages {
		versions[p.Key()] = p.Version
	}
	return versions, nil
}
