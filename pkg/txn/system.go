package txn

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
)

// Options are what a System takes from its surroundings. The zero value is a normal system.
type Options struct {
	// Stateroot to work on; by default that of the booted or first deployment.
	Stateroot string
	// Runner runs maintainer scripts; by default bubblewrap.
	Runner sandbox.Runner
	// HTTP is used for archives; by default a client tuned for many small files.
	HTTP *http.Client
	// Clock is time.Now by default. It judges whether archives are expired.
	Clock func() time.Time
	// Timestamp dates commits, so that they are reproducible; zero means with the clock.
	Timestamp time.Time
	// Logger gets what a maintainer wants to know; by default nothing is logged.
	Logger *slog.Logger
	// Architecture is the Debian architecture; by default that of the running program.
	Architecture string
	// Sysroot is how the sysroot is opened: where the running system is, for tests and for programs
	// that work on an image. Bases, Logger and the clock of the repository are set.
	Sysroot deploy.Options
	// Audit, if set, gets the record of each transaction when it has ended.
	Audit func(history.Record)
	// Unit tells about a systemd unit; by default systemd is asked.
	Unit func(ctx context.Context, name string) (Unit, error)
}

// System is an OSTree system that packages can be layered on.
type System struct {
	path    string
	sysroot *deploy.Sysroot
	opts    Options
	locked  bool             // by Lock
	offers  map[string]offer // local packages by SHA-256
}

// Open opens the system below a physical root: "/" for the running one. The error is a
// [deploy.NotSysrootError] if there is none.
func Open(ctx context.Context, path string, opts Options) (*System, error) {
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Unit == nil {
		opts.Unit = showUnit
	}
	if opts.Architecture == "" {
		opts.Architecture = NativeArchitecture()
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := &System{path: abs, opts: opts}
	sysroot := opts.Sysroot
	sysroot.Bases, sysroot.Logger, sysroot.Repo.Clock = s.bases, opts.Logger, opts.Clock
	s.sysroot, err = deploy.Open(abs, sysroot)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Lock keeps every other process from changing the system until unlock is called, so that a plan
// that is made under it cannot become stale. [System.Apply] locks by itself if this was not done.
// The error is a [deploy.BusyError] if the lock is taken.
func (s *System) Lock(ctx context.Context) (unlock func() error, err error) {
	release, err := s.sysroot.Lock(ctx)
	if err != nil {
		return nil, err
	}
	s.locked = true
	return func() error {
		s.locked = false
		return release()
	}, nil
}

// Close releases the system.
func (s *System) Close() error { return errors.Join(s.dropOffers(), s.sysroot.Close()) }

// Repo is the system's repository. It is closed with the system.
func (s *System) Repo() *ostree.Repo { return s.sysroot.Repo() }

// bases names the commits that later changes of a deployment start from, so that they are kept as
// long as it is.
func (s *System) bases(ctx context.Context, d deploy.Deployment) ([]ostree.Checksum, error) {
	base, err := s.Base(ctx, d.Checksum)
	if err != nil || base == d.Checksum {
		return nil, err
	}
	return []ostree.Checksum{base}, nil
}

// pending returns the deployments of the stateroot worked on and that stateroot's name; the first
// deployment is the one that boots next.
func (s *System) pending(ctx context.Context) ([]deploy.Deployment, string, error) {
	all, err := s.sysroot.Deployments(ctx)
	if err != nil {
		return nil, "", err
	}
	return s.ofStateroot(all)
}

// ofStateroot picks the deployments of the stateroot worked on.
func (s *System) ofStateroot(all []deploy.Deployment) ([]deploy.Deployment, string, error) {
	name, err := s.stateroot(all)
	if err != nil {
		return nil, "", err
	}
	var mine []deploy.Deployment
	for _, d := range all {
		if d.Stateroot == name {
			mine = append(mine, d)
		}
	}
	return mine, name, nil
}

// stateroot picks the one asked for, that of the booted deployment, of the first one, or the only
// one there is.
func (s *System) stateroot(all []deploy.Deployment) (string, error) {
	if name := s.opts.Stateroot; name != "" {
		names, err := s.sysroot.Stateroots()
		if err == nil && !slices.Contains(names, name) {
			err = &deploy.StaterootError{Name: name, Have: names}
		}
		return name, err
	}
	for _, d := range all {
		if d.Booted {
			return d.Stateroot, nil
		}
	}
	if len(all) > 0 {
		return all[0].Stateroot, nil
	}
	names, err := s.sysroot.Stateroots()
	switch {
	case err != nil:
		return "", err
	case len(names) == 1:
		return names[0], nil
	}
	return "", &deploy.StaterootError{Have: names}
}

// logDir is where the output of maintainer scripts is kept.
func (s *System) logDir(stateroot string) string {
	return filepath.Join(s.path, "ostree/deploy", stateroot, "var/log/apt-ostree")
}

// cacheDir is where archive metadata and packages of a stateroot are kept between changes.
func (s *System) cacheDir(stateroot string) string {
	return filepath.Join(s.path, "ostree/deploy", stateroot, "var/cache/apt-ostree")
}

// Stateroots lists the stateroots of the system, also those with nothing deployed, sorted by name.
func (s *System) Stateroots() ([]string, error) { return s.sysroot.Stateroots() }
