package txn

import (
	"context"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Universe gives what the APT sources of the deployment that boots next offer. With cacheOnly the
// last fetched metadata is used.
func (s *System) Universe(ctx context.Context, cacheOnly bool) (*apt.Universe, error) {
	deployments, stateroot, err := s.pending(ctx)
	if err != nil {
		return nil, err
	}
	if len(deployments) == 0 {
		return nil, &NoDeploymentError{Sysroot: s.path, Stateroot: stateroot, Need: 1}
	}
	net := online
	if cacheOnly {
		net = offline
	}
	archive, err := s.openArchive(ctx, deployments[0], net)
	if err != nil {
		return nil, err
	}
	return archive.universe, nil
}

// Layer says where an installed package comes from.
type Layer string

// The layers of a deployment.
const (
	LayerBase    Layer = "base"    // the base commit
	LayerRequest Layer = "layered" // a request
	LayerDepends Layer = "depends" // layered because a request needs it
)

// InstalledPackage is a package of a deployment.
type InstalledPackage struct {
	*apt.Package
	Layer Layer
}

// Installed lists the packages of the deployment that boots next, sorted by name.
func (s *System) Installed(ctx context.Context) ([]InstalledPackage, error) {
	deployments, stateroot, err := s.pending(ctx)
	if err != nil {
		return nil, err
	}
	if len(deployments) == 0 {
		return nil, &NoDeploymentError{Sysroot: s.path, Stateroot: stateroot, Need: 1}
	}
	current := deployments[0]
	base, err := s.Base(ctx, current.Checksum)
	if err != nil {
		return nil, err
	}
	inBase, err := s.keys(ctx, base)
	if err != nil {
		return nil, err
	}
	packages, err := s.Packages(ctx, current.Checksum)
	if err != nil {
		return nil, err
	}
	out := make([]InstalledPackage, 0, len(packages))
	for _, p := range packages {
		layer := LayerDepends
		switch {
		case inBase[p.Key()]:
			layer = LayerBase
		case slices.ContainsFunc(originOf(current).Requested, func(request string) bool { return names(request, p) }):
			layer = LayerRequest
		}
		out = append(out, InstalledPackage{p, layer})
	}
	return out, nil
}

// names says whether a request, NAME[:ARCH][=VERSION|/SUITE], is for a package or for something
// that it provides.
func names(request string, p *apt.Package) bool {
	request, _, _ = strings.Cut(request, "=")
	request, _, _ = strings.Cut(request, "/")
	name, arch, _ := strings.Cut(request, ":")
	if arch != "" && arch != p.Architecture && p.Architecture != "all" {
		return false
	}
	return name == p.Name || slices.ContainsFunc(p.Provides, func(r relation.Relation) bool { return r.Name == name })
}

func (s *System) keys(ctx context.Context, c ostree.Checksum) (map[apt.Key]bool, error) {
	packages, err := s.Packages(ctx, c)
	if err != nil {
		return nil, err
	}
	keys := make(map[apt.Key]bool, len(packages))
	for _, p := range packages {
		keys[p.Key()] = true
	}
	return keys, nil
}
