package assemble

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Build makes a commit out of a base, or of nothing, and packages. It needs
// root.
//
// Errors are a [*ScriptError] if a script failed, a [*PackageError] if dpkg
// could not go on, a [*VerifyError] if the result is not what was planned; or
// the context's, the repository's, the layout's. Whatever the error, nothing
// is left behind.
func Build(ctx context.Context, in Input) (result *Result, err error) {
	err = build(ctx, in, func(b *builder) error {
		if err := b.follow(ctx, b.recipe()); err != nil {
			return err
		}
		b.progress("commit", 0)
		err := b.timed(ctx, step{"commit", func(ctx context.Context) error {
			result, err = b.commit(ctx)
			return err
		}})
		if err != nil {
			return err
		}
		return b.timed(ctx, step{"keep the checkout", func(ctx context.Context) error {
			result.Checkout, err = b.checkout(ctx, result)
			return err
		}})
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// build opens a builder for as long as run does its work.
func build(ctx context.Context, in Input, run func(*builder) error) (err error) {
	b, err := newBuilder(in)
	if err != nil {
		return err
	}
	// The unfolded base and what it shares with others must not be pruned.
	unlock, err := in.Repo.Lock(ctx, ostree.Shared)
	if err != nil {
		return err
	}
	defer func() { err = b.tidy(err, unlock()) }()
	if b.cage, err = openCage(in); err != nil {
		return err
	}
	defer func() { err = b.tidy(err, b.cage.Close()) }()
	defer b.stopImport()
	b.cage.onState = b.count
	if err = run(b); err != nil {
		b.rescueStages(context.WithoutCancel(ctx))
	}
	return err
}

// follow does steps of the recipe.
func (b *builder) follow(ctx context.Context, steps []step) error {
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.timed(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// step is one line of the recipe.
type step struct {
	name string
	do   func(context.Context) error
}

// tidy joins what went wrong while cleaning up to the error that ends a build.
// A build that succeeded stays one: the next sweep has another try.
func (b *builder) tidy(err, left error) error {
	switch {
	case left == nil:
		return err
	case err == nil:
		b.log.Warn("cleaning up after a build", "error", left)
		return nil
	}
	return errors.Join(err, left)
}

func (b *builder) timed(ctx context.Context, s step) error {
	start := time.Now()
	err := s.do(ctx)
	b.log.Debug("assemble", "step", s.name, "took", time.Since(start))
	if err := b.cage.logs.failure(); err != nil {
		b.log.Warn("logs of packages are incomplete", "step", s.name, "error", err)
	}
	return err
}

// recipe is how a tree is made. A build from nothing differs from one on a
// base by what is in the tree when the packages come, and by nothing else.
func (b *builder) recipe() []step { return append(b.fillSteps(), b.finishSteps()...) }

// fillSteps lead to a tree in which all packages are configured and the input's
// scripts have run, in the shape that Debian has: what [Install] makes.
func (b *builder) fillSteps() []step {
	return []step{
		{"find kept stages", b.findStages},
		{"stage packages", b.stagePackages},
		{"check out the base", b.checkoutBase},
		{"mount", b.cage.mount},
		{"bootstrap", b.bootstrap},
		{"keep the bootstrapped tree", b.keep(atEssential)},
		{"preseed", b.preseed},
		{"purge", b.purge},
		{"install", b.install},
		{"keep the configured tree", b.keep(atConfigured)},
		{"add content", b.addContent},
		{"record", func(context.Context) error { return b.record() }},
		{"drop removed kernels", func(context.Context) error { return b.dropRemovedKernels() }},
		{"units", b.units},
		{"postprocess", b.postprocess},
		{"allow services", func(context.Context) error { return b.allowServices() }},
	}
}

// finishSteps lead from there to a tree that only has to be folded.
func (b *builder) finishSteps() []step {
	return []step{
		{"initramfs", b.initramfs},
		{"verify", b.verify},
		{"inspect", func(context.Context) error { return b.inspect() }},
		{"unmount", func(context.Context) error { return b.cage.unmount() }},
	}
}

// builder is one run of Build.
type builder struct {
	in       Input
	cage     *Cage
	log      *slog.Logger
	unpacker unpacker
	placer   *nativeUnpacker // nil if dpkg unpacks

	importing *backgroundImport // nil for none

	lower        ostree.TreeID // the base, unfolded, or what the build goes on from; zero if that is nothing
	baseKernels  []string      // its kernel releases
	hadInitramfs bool          // the base has one

	batches []solve.Batch // what bootstrap has left to do
	status  []dpkg.Entry  // after verify

	keys         map[stage]string // nil if nothing is kept
	reached      stage            // that is behind us
	kept         []keptStage      // to be written at the end
	placedBefore int              // packages that dpkg did not unpack, before what was kept

	done, total int
	counted     map[string]bool
}

func newBuilder(in Input) (*builder, error) {
	switch {
	case in.Repo == nil:
		return nil, errors.New("assemble: no repository")
	case in.Runner == nil:
		return nil, errors.New("assemble: no runner")
	case !in.Unpacker.Valid():
		return nil, fmt.Errorf("assemble: unknown unpacker %q: %s or %s", in.Unpacker, UnpackNative, UnpackDpkg)
	case in.Tree != (ostree.TreeID{}) && (!in.Base.IsZero() || len(in.Batches)+len(in.Purge) > 0):
		return nil, errors.New("assemble: a tree that is installed already takes neither base nor packages")
	case in.Timestamp.IsZero():
		return nil, errors.New("assemble: no timestamp, and the clock would make each build different")
	}
	if in.Unpacker == "" {
		in.Unpacker = UnpackDpkg
		if in.Repo.Mode() == ostree.ModeBare {
			in.Unpacker = UnpackNative
		}
	}
	for _, p := range unpacked(in.Batches) {
		if _, ok := in.Debs[p]; !ok {
			return nil, fmt.Errorf("package %s: no .deb was given", p)
		}
	}
	b := &builder{in: in, log: in.Logger, unpacker: dpkgUnpacker{}, batches: in.Batches, counted: map[string]bool{}}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	b.total = b.countSteps()
	return b, nil
}

// fresh says that there is no base.
func (b *builder) fresh() bool { return b.in.Base.IsZero() }

// stagePackages makes the packages ready: as files that dpkg in the cage can
// read, or as commits in the package cache.
func (b *builder) stagePackages(ctx context.Context) error {
	if b.in.Unpacker != UnpackNative {
		return b.cage.stageDebs(ctx)
	}
	if b.reached >= atConfigured {
		return nil
	}
	if err := b.importPackages(ctx); err != nil {
		return err
	}
	b.placer.settle, b.placer.maxLayers = b.settle, maxLayers
	b.unpacker = b.placer
	return nil
}

// bootstrap brings the tree to where scripts can run: on a base it is there
// already, from nothing the essential packages are installed.
func (b *builder) bootstrap(ctx context.Context) error {
	var essential []*apt.Package
	if b.reached >= atEssential {
		b.batches = without(b.in.Batches, essentialSet(b.in.Batches))
		return nil
	}
	if b.fresh() {
		essential = essentialSet(b.in.Batches)
		if err := b.extract(ctx, essential); err != nil {
			return err
		}
	}
	if err := b.prepare(); err != nil {
		return err
	}
	if !b.fresh() {
		return nil
	}
	b.batches = without(b.in.Batches, essential)
	return b.installEssential(ctx, essential)
}

// prepare writes what must be there before the first script runs.
func (b *builder) prepare() error {
	if b.in.ExcludeDocs {
		if err := b.excludeDocs(); err != nil {
			return err
		}
	}
	if err := b.seed(); err != nil {
		return err
	}
	if b.in.Prepare != nil {
		if err := b.in.Prepare(b.cage.Root()); err != nil {
			return fmt.Errorf("prepare the tree: %w", err)
		}
	}
	return b.forbidServices()
}

// seedDir is the directory of the seed that has the account files, nil for none.
func (b *builder) seedDir() (fs.FS, error) {
	if b.in.Seed == nil {
		return nil, nil
	}
	dir := accountsOf(func(name string) bool {
		_, err := fs.Stat(b.in.Seed, name)
		return err == nil
	})
	if dir == "" {
		return nil, nil
	}
	return fs.Sub(b.in.Seed, dir)
}

// seed keeps the ids of the previous commit.
func (b *builder) seed() error {
	previous, err := b.seedDir()
	if previous == nil || err != nil {
		return err
	}
	return b.inRoot(func(root *os.Root) error {
		return seedAccounts(root, previous, func(file, name string) {
			b.log.Warn("the id of an account of the previous commit is taken", "file", file, "name", name)
		})
	})
}

// installEssential installs properly what was extracted. The packages
// Pre-Depend on each other in circles that only their being extracted already
// resolves, so dpkg is told not to mind.
func (b *builder) installEssential(ctx context.Context, essential []*apt.Package) error {
	if b.placer != nil {
		b.placer.force = []string{"--force-depends"}
		err := b.placer.Unpack(ctx, b.cage, essential)
		b.placer.force = nil
		if err != nil {
			return err
		}
		return b.cage.configure(ctx, essential)
	}
	unpack := append([]string{"--no-triggers", "--force-depends", "--unpack"}, debPaths(essential)...)
	if err := b.cage.Dpkg(ctx, unpack...); err != nil {
		return err
	}
	return b.cage.configure(ctx, essential)
}

func (b *builder) purge(ctx context.Context) error {
	if len(b.in.Purge) == 0 {
		return nil
	}
	return b.cage.purge(ctx, b.in.Purge)
}

// install follows the batches, then configures the rest and runs the triggers.
func (b *builder) install(ctx context.Context) error {
	if b.reached >= atConfigured {
		return nil
	}
	if err := b.finishImport(); err != nil {
		return err
	}
	for _, batch := range b.batches {
		if len(batch.Unpack) > 0 {
			if err := b.unpacker.Unpack(ctx, b.cage, batch.Unpack); err != nil {
				return err
			}
		}
		if len(batch.Configure) > 0 {
			if err := b.cage.configure(ctx, batch.Configure); err != nil {
				return err
			}
		}
	}
	return b.cage.configure(ctx, nil)
}

// record adds the caller's files that no package has to find.
func (b *builder) record() error {
	if b.in.Record == nil {
		return nil
	}
	if err := b.in.Record(b.cage.Root()); err != nil {
		return fmt.Errorf("record what the tree was made from: %w", err)
	}
	return nil
}

func (b *builder) inspect() error {
	if b.in.Inspect == nil {
		return nil
	}
	if err := b.in.Inspect(b.cage.Root()); err != nil {
		return fmt.Errorf("inspect the tree: %w", err)
	}
	return nil
}
