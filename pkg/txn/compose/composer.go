package compose

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/preferences"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// Options are what a compose works with. Treefile and CacheDir are required.
type Options struct {
	// Repo receives the commit, and has those before it. Without one only trees can be made.
	Repo     *ostree.Repo
	Treefile *Treefile
	// CacheDir keeps archive metadata and packages between composes. One compose uses it at a time.
	CacheDir string
	// Root is the machine whose APT configuration is used where the treefile names no sources, and
	// below which keyrings are looked for; by default "/".
	Root string
	// Runner runs maintainer scripts; by default bubblewrap.
	Runner sandbox.Runner
	// HTTP is used for archives; by default a client tuned for many small files.
	HTTP *http.Client
	// Proxy is used for all archives in place of those of Root's configuration, if HTTP is nil.
	Proxy string
	// LayerRepo has the layers of the treefile that Repo does not have.
	LayerRepo *ostree.Repo
	// WorkDir is where trees are put together; see [assemble.Input].
	WorkDir string
	// Clock judges whether archives are expired; by default time.Now.
	Clock func() time.Time
	// Timestamp dates the commit and its version; zero means with the clock.
	Timestamp time.Time
	// Logger gets what a maintainer wants to know; by default nothing is logged.
	Logger *slog.Logger
	// NoParent makes a commit without history. Parent is used instead of the ref's commit.
	NoParent bool
	Parent   string
	// Previous is the commit to compare with: whose accounts keep their ids, whose version is counted
	// on, and whose inputs tell whether anything changed. By default it is the parent. PreviousInputHash
	// and PreviousVersion say what it would, whether it is there or not.
	Previous, PreviousInputHash, PreviousVersion string
	// NoRef writes the commit without setting the ref.
	NoRef bool
	// Force composes even if the inputs are those of the parent. Offline uses the cache only.
	Force, Offline bool
	// Lockfile says which versions to use of packages that are installed, nil for none; with LockfileStrict
	// nothing else is installed, and all of it is.
	Lockfile       *Lockfile
	LockfileStrict bool
	// Unpacker says who unpacks packages; empty is native. Such a compose keeps packages as commits in
	// the repository pkgcache of CacheDir, makes the commit there and copies it to Repo.
	Unpacker assemble.UnpackMode
	// Metadata is added to the commit and wins over the treefile's.
	Metadata ostree.Metadata
	// Inspect, if not nil, is called with the finished tree before it is folded into the layout of
	// a commit.
	Inspect func(root string) error
}

// Composer composes one treefile.
type Composer struct {
	opts   Options
	locked bool // by Lock
}

// New checks the options.
func New(opts Options) (*Composer, error) {
	if opts.Treefile == nil || opts.CacheDir == "" {
		return nil, errors.New("compose: treefile and cache directory are required")
	}
	if opts.Repo == nil && opts.Parent+opts.Previous != "" {
		return nil, errors.New("compose: there is no repository to look for a commit in")
	}
	if len(opts.Treefile.Packages) == 0 {
		return nil, errors.New("compose: the treefile asks for no packages")
	}
	if opts.Root == "" {
		opts.Root = "/"
	}
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Composer{opts: opts}, nil
}

// Lock keeps every other compose out of the cache directory until unlock is called, so that a plan
// can be applied for sure. The methods lock by themselves if this was not done. The error is a
// [step.BusyError] if the lock is taken.
func (c *Composer) Lock(ctx context.Context) (unlock func() error, err error) {
	if err := os.MkdirAll(c.opts.CacheDir, 0o755); err != nil {
		return nil, err
	}
	lock, err := step.Lock(ctx, filepath.Join(c.opts.CacheDir, "lock"), "compose", step.LockOptions{})
	if err != nil {
		return nil, err
	}
	c.locked = true
	return func() error {
		c.locked = false
		return lock.Unlock()
	}, nil
}

// hold takes the lock unless the caller of the package has it.
func (c *Composer) hold(ctx context.Context) (unlock func() error, err error) {
	if c.locked {
		return func() error { return nil }, nil
	}
	return c.Lock(ctx)
}

// Plan resolves the treefile. It writes nothing but the cache of archive metadata.
func (c *Composer) Plan(ctx context.Context) (*Plan, error) {
	unlock, err := c.hold(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock() //nolint:errcheck // it is held, so it can be given back
	p := c.newPlan()
	if err := c.planBefore(ctx, p); err != nil {
		return nil, err
	}
	if err := c.planLayers(ctx, p); err != nil {
		return nil, err
	}
	if err := c.planPackages(ctx, p); err != nil {
		return nil, err
	}
	if err := c.planHash(p); err != nil {
		return nil, err
	}
	return p, c.planVersion(p)
}

// newPlan is a plan that is about nothing yet.
func (c *Composer) newPlan() *Plan {
	p := &Plan{Ref: c.opts.Treefile.Ref, architecture: c.opts.Treefile.Basearch, now: c.opts.Timestamp}
	if p.now.IsZero() {
		p.now = c.opts.Clock()
	}
	return p
}

// archives are what can be installed.
type archives struct {
	sources  []source.Source
	client   *apt.Client
	universe *apt.Universe
	policy   *preferences.Policy
	native   string
}

// archives fetches what the sources of the treefile, and further ones, offer.
func (c *Composer) archives(ctx context.Context, more []Repo) (*archives, error) {
	tree := c.opts.Treefile
	sources, config, err := c.sources(more)
	if err != nil {
		return nil, err
	}
	a := &archives{sources: sources, native: tree.Basearch}
	opts := apt.ClientOptions{
		CacheDir: c.opts.CacheDir, HTTP: c.opts.HTTP, Clock: c.opts.Clock, Architecture: tree.Basearch,
		ForeignArchitectures: tree.ForeignArchitectures, Root: c.opts.Root, Offline: c.opts.Offline,
		Logger: c.opts.Logger,
	}
	c.overrideProxy(config)
	if err := opts.Configure(config); err != nil {
		return nil, err
	}
	if a.client, err = apt.NewClient(opts); err != nil {
		return nil, err
	}
	if a.universe, err = a.client.Update(ctx, sources); err != nil {
		return nil, err
	}
	a.policy, err = c.policy(config)
	return a, err
}

// planPackages fetches what the archives offer and chooses the packages.
func (c *Composer) planPackages(ctx context.Context, p *Plan) error {
	tree := c.opts.Treefile
	offer, err := c.archives(ctx, nil)
	if err != nil {
		return err
	}
	p.sources, p.client = offer.sources, offer.client
	request := solve.Request{
		Policy: offer.policy, Architecture: tree.Basearch, ForeignArchitectures: tree.ForeignArchitectures, Essential: true,
		Install: tree.Packages, Exclude: tree.ExcludePackages, Recommends: tree.Recommends,
	}
	if p.packages, err = c.solve(ctx, p, offer.universe, request); err != nil {
		return err
	}
	return p.measure()
}

// solve chooses the packages, of what lockfiles allow if there are any.
func (c *Composer) solve(ctx context.Context, p *Plan, universe *apt.Universe, request solve.Request) ([]*apt.Package, error) {
	if c.opts.Lockfile == nil {
		solution, err := solve.Solve(ctx, universe, request)
		if err != nil {
			return nil, err
		}
		return solution.Install, nil
	}
	source, warnings, err := lockSource(universe, c.opts.Lockfile, request.Architecture, c.opts.LockfileStrict)
	if err != nil {
		return nil, err
	}
	p.Warnings = append(p.Warnings, warnings...)
	solution, err := solve.Solve(ctx, source, request)
	if err != nil {
		return nil, source.explain(err)
	}
	return solution.Install, source.unused(solution.Install)
}
