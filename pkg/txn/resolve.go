package txn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/apt/preferences"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// archiveState is what the APT sources of a stateroot offer.
type archiveState struct {
	universe *apt.Universe
	conf     *conf.Config
	policy   *preferences.Policy
	// packages downloads packages.
	packages *apt.Client
}

// access says how far the network may be used.
type access int

const (
	online    access = iota
	offline          // not at all
	reluctant        // only for what the cache lacks
)

// access of a change: dropping requests and going back must work when every archive is gone.
func (c Change) access() access {
	switch {
	case c.CacheOnly:
		return offline
	case len(c.Install) == 0 && !c.Upgrade && c.Deploy == "":
		return reluctant
	}
	return online
}

// aptClient reads the APT configuration of a deployment, as an administrator left it, and makes clients
// of its sources.
func (s *System) aptClient(ctx context.Context, d deploy.Deployment, net access) (apt.ClientOptions, []source.Source, *conf.Config, error) {
	config, err := conf.Load(d.Path)
	if err != nil {
		return apt.ClientOptions{}, nil, nil, err
	}
	sources, err := source.Load(d.Path)
	if err != nil {
		return apt.ClientOptions{}, nil, nil, err
	}
	foreign, err := s.foreignArchitectures(ctx, d.Checksum)
	if err != nil {
		return apt.ClientOptions{}, nil, nil, err
	}
	cache := s.cacheDir(d.Stateroot)
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return apt.ClientOptions{}, nil, nil, err
	}
	opts := apt.ClientOptions{
		CacheDir: cache, HTTP: s.opts.HTTP, Clock: s.opts.Clock, Architecture: s.opts.Architecture, ForeignArchitectures: foreign,
		Root: d.Path, Offline: net == offline, Logger: s.opts.Logger,
	}
	return opts, source.ApplyConf(sources, config), config, opts.Configure(config)
}

// openArchive loads what the sources of a deployment offer.
func (s *System) openArchive(ctx context.Context, d deploy.Deployment, net access) (*archiveState, error) {
	opts, sources, config, err := s.aptClient(ctx, d, net)
	if err != nil {
		return nil, err
	}
	state := &archiveState{conf: config}
	if state.policy, err = loadPolicy(d.Path, config, s.opts.Architecture); err != nil {
		return nil, err
	}
	if state.packages, err = apt.NewClient(opts); err != nil {
		return nil, err
	}
	if net == reluctant {
		if state.universe, err = cached(ctx, opts, sources); err == nil || !as[*apt.OfflineError](err) {
			return state, err
		}
	}
	state.universe, err = state.packages.Update(ctx, sources)
	return state, err
}

// loadPolicy reads the pins of a root. Phased updates do not count: all packages are new on the base.
func loadPolicy(root string, config *conf.Config, architecture string) (*preferences.Policy, error) {
	pins, err := preferences.Load(root)
	if err != nil {
		return nil, err
	}
	return preferences.NewPolicy(pins, preferences.Options{Architecture: architecture, DefaultRelease: config.Get("APT::Default-Release")})
}

// cached loads what was fetched before. It was verified and fresh then, and nobody has had a chance
// to offer an old state instead of a new one since, so that it may be expired by now.
func cached(ctx context.Context, opts apt.ClientOptions, sources []source.Source) (*apt.Universe, error) {
	opts.Offline = true
	client, err := apt.NewClient(opts)
	if err != nil {
		return nil, err
	}
	sources = slices.Clone(sources)
	for i := range sources {
		sources[i].CheckValidUntil = new(bool)
	}
	return client.Update(ctx, sources)
}

// foreignArchitectures are those that the dpkg of a commit knows besides its own, from the file
// that `dpkg --add-architecture` writes.
func (s *System) foreignArchitectures(ctx context.Context, c ostree.Checksum) ([]string, error) {
	tree, err := s.Repo().FS(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, dir := range dpkg.Directories() {
		text, err := fs.ReadFile(tree, dir+"/arch")
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return slices.DeleteFunc(strings.Fields(string(text)), func(a string) bool { return a == s.opts.Architecture }), err
	}
	return nil, nil
}

// planPackages resolves the requests on top of the base, whose packages are facts.
func (s *System) planPackages(ctx context.Context, p *Plan) error {
	if len(p.Requested)+len(p.origin.OverrideRemove) == 0 {
		return nil
	}
	base, err := s.Packages(ctx, p.Base)
	if err != nil {
		return err
	}
	p.base = base
	remove, err := p.removals()
	if err != nil || len(p.Requested)+len(remove) == 0 {
		return err
	}
	if p.archive, err = s.archiveFor(ctx, p); err != nil {
		return err
	}
	foreign, err := s.foreignArchitectures(ctx, p.Base)
	if err != nil {
		return err
	}
	archive := p.archive
	p.solution, err = solve.Solve(ctx, archive.universe, solve.Request{
		Architecture:         s.opts.Architecture,
		ForeignArchitectures: foreign,
		Installed:            base,
		Lock:                 true,
		Policy:               archive.policy,
		Install:              p.Requested,
		Remove:               remove,
		RemoveEssential:      true, // checked when the removal was asked for
		Recommends:           archive.conf.Bool("APT::Install-Recommends", true),
	})
	if err != nil {
		return err
	}
	for _, pkg := range p.solution.Remove {
		p.Removed = append(p.Removed, NewPackageRef(pkg))
	}
	if err := p.inactive(); err != nil {
		return err
	}
	for _, pkg := range p.solution.Install {
		p.Packages = append(p.Packages, NewPackageRef(pkg))
		p.InstalledSize += pkg.InstalledSize
	}
	if len(p.solution.Install) == 0 {
		return nil
	}
	p.DownloadSize, err = archive.packages.DownloadSize(p.solution.Install)
	return err
}

// archiveFor is what the requests are resolved from: nothing if there are none.
func (s *System) archiveFor(ctx context.Context, p *Plan) (*archiveState, error) {
	if len(p.Requested) > 0 {
		return s.openArchive(ctx, p.boot[0], p.Change.access())
	}
	config, err := conf.Load(p.boot[0].Path)
	if err != nil {
		return nil, err
	}
	policy, err := loadPolicy(p.boot[0].Path, config, s.opts.Architecture)
	return &archiveState{universe: apt.NewUniverse(nil), conf: config, policy: policy}, err
}

// inactive notes the requests that the base meets, and refuses new ones unless they are allowed.
func (p *Plan) inactive() error {
	p.Inactive = map[string]string{}
	for _, request := range slices.Sorted(maps.Keys(p.solution.Satisfied)) {
		by := p.solution.Satisfied[request]
		provider := fmt.Sprintf("%s_%s_%s", by.Name, by.Version, by.Architecture)
		if slices.Contains(p.Change.Install, request) && !p.Change.AllowInactive {
			return &RequestError{
				Message:       fmt.Sprintf("%q is already provided by: %s. Use --allow-inactive to explicitly require it.", request, provider),
				AllowInactive: true,
			}
		}
		p.Inactive[request] = provider
	}
	return nil
}
