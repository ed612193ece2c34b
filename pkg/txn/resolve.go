package txn

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/apt/preferences"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// archiveState is what the APT sources of a stateroot offer.
type archiveState struct {
	universe *apt.Universe
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
	case c.asksArchive() || len(c.InstallLocal)+len(c.OverrideReplaceLocal) > 0:
		return online
	}
	return reluctant
}

// asksArchive says whether the change wants something of an archive that was not wanted before.
func (c Change) asksArchive() bool {
	return len(c.Install)+len(c.OverrideReplace)+len(c.choosesBase()) > 0
}

// configured is the root whose /etc counts for a deployment. One that is staged gets its own at shutdown:
// until then it is that of the running deployment.
func (s *System) configured(ctx context.Context, d deploy.Deployment) (string, error) {
	if !d.Staged {
		return d.Path, nil
	}
	merge, err := s.sysroot.MergeDeployment(ctx, d.Stateroot)
	if err != nil {
		return "", err
	}
	return merge.Path, nil
}

// aptClient reads the APT configuration of a deployment, as an administrator left it, and makes clients
// of its sources.
func (s *System) aptClient(ctx context.Context, d deploy.Deployment, net access) (apt.ClientOptions, []source.Source, *conf.Config, error) {
	root, err := s.configured(ctx, d)
	if err != nil {
		return apt.ClientOptions{}, nil, nil, err
	}
	config, err := conf.Load(root)
	if err != nil {
		return apt.ClientOptions{}, nil, nil, err
	}
	sources, err := source.Load(root)
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
		Root: root, Offline: net == offline, Logger: s.opts.Logger,
	}
	return opts, source.ApplyConf(sources, config), config, opts.Configure(config)
}

// openArchive loads what the sources of a deployment offer.
func (s *System) openArchive(ctx context.Context, d deploy.Deployment, net access) (*archiveState, error) {
	opts, sources, config, err := s.aptClient(ctx, d, net)
	if err != nil {
		return nil, err
	}
	state := &archiveState{}
	if state.policy, err = loadPolicy(opts.Root, config, s.opts.Architecture); err != nil {
		return nil, err
	}
	if state.packages, err = apt.NewClient(opts); err != nil {
		return nil, err
	}
	// Who may not keep what he fetches, such as a user without rights, is told what was fetched last.
	keeps := unix.Faccessat(unix.AT_FDCWD, opts.CacheDir, unix.W_OK, unix.AT_EACCESS) == nil
	if net == reluctant || !keeps {
		if state.universe, err = cached(ctx, opts, sources); err == nil || !keeps || !as[*apt.OfflineError](err) {
			return state, err
		}
	}
	state.universe, err = state.packages.Update(ctx, sources)
	return state, err
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
