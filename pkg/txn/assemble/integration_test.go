package assemble_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

var epoch = time.Unix(1700000000, 0)

func needAll(t *testing.T) {
	t.Helper()
	testenv.Integration(t, testenv.Root, testenv.Overlay, testenv.Tool("bwrap"), testenv.Tool("apt-get"), testenv.Tool("ostree"))
}

func jail(t *testing.T) sandbox.Runner {
	t.Helper()
	runner, err := sandbox.New(t.Context(), sandbox.Options{})
	require.NoError(t, err)
	return runner
}

// logger writes to the test's log.
func logger(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func newRepo(t *testing.T, mode ostree.Mode) *ostree.Repo {
	t.Helper()
	repo, err := ostree.Init(filepath.Join(t.TempDir(), "repo"), mode, ostree.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, repo.Close()) })
	return repo
}

// minimalSet is asked for besides the Essential packages.
var minimalSet = []string{"usr-is-merged", "adduser"}

// a base is a commit of the Essential packages, made once.
type base struct {
	path      string // of a repository that is only read
	commit    ostree.Checksum
	tree      ostree.TreeID
	installed []*apt.Package
}

var (
	theBase  base
	baseOnce sync.Once
)

// minimal gives each test a repository of its own with the base.
func minimal(t *testing.T) (*ostree.Repo, base) {
	t.Helper()
	needAll(t)
	baseOnce.Do(func() {
		dir, err := os.MkdirTemp("", "assemble-base-") //nolint:usetesting // outlives this test
		require.NoError(t, err)
		theBase.path = dir
		repo, err := ostree.Init(filepath.Join(dir, "repo"), ostree.ModeBare, ostree.Options{})
		require.NoError(t, err)
		defer func() { require.NoError(t, repo.Close()) }()
		s := debianSet(t, minimalSet...)
		result, err := assemble.Build(t.Context(), assemble.Input{
			Repo: repo, Batches: s.batches(t), Debs: s.debs, Timestamp: epoch, Runner: jail(t), AllowNoKernel: true, Logger: logger(t),
			Ref: ostree.Refspec{Ref: "base"}, Unpacker: assemble.UnpackDpkg,
		})
		require.NoError(t, err)
		theBase.commit, theBase.tree, theBase.installed = result.Commit, result.Tree, result.Packages
	})
	require.NotZero(t, theBase.commit, "the base could not be made")
	// A copy, because tests must not share objects: some try to destroy them.
	path := filepath.Join(t.TempDir(), "repo")
	out, err := exec.CommandContext(t.Context(), "cp", "-a", "--reflink=auto", filepath.Join(theBase.path, "repo"), path).CombinedOutput()
	require.NoError(t, err, string(out))
	repo, err := ostree.Open(path, ostree.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, repo.Close()) })
	return repo, theBase
}

// layer builds debs on the base.
func layer(t *testing.T, repo *ostree.Repo, b base, change func(*assemble.Input), debs ...apttest.Deb) (*assemble.Result, error) {
	t.Helper()
	s := set{debs: map[*apt.Package]string{}}
	dir := t.TempDir()
	for _, d := range debs {
		s.add(t, d.Write(t, dir))
	}
	in := assemble.Input{
		Repo: repo, Base: b.commit, Batches: s.batches(t, b.installed...), Debs: s.debs,
		Timestamp: epoch, Runner: jail(t), ScriptTimeout: time.Minute, Logger: logger(t),
	}
	if change != nil {
		change(&in)
	}
	result, err := assemble.Build(t.Context(), in)
	if script, ok := errors.AsType[*assemble.ScriptError](err); ok {
		t.Log(strings.Join(script.Log, "\n"))
	}
	return result, err
}

// withCheckout has the tree left as a directory too.
func withCheckout(in *assemble.Input) { in.KeepCheckout = true }

// requireCheckout compares the directory that was left with a new checkout, and removes it.
func requireCheckout(t *testing.T, repo *ostree.Repo, result *assemble.Result) {
	t.Helper()
	require.NotNil(t, result.Checkout)
	fresh := filepath.Join(filepath.Dir(result.Checkout.Dir), "fresh")
	require.NoError(t, repo.CheckoutTree(t.Context(), result.Tree, fresh, ostree.CheckoutOptions{PassthroughWhiteouts: true}))
	require.Equal(t, ostreetest.ListDir(t, fresh), ostreetest.ListDir(t, result.Checkout.Dir))
	links, err := exec.CommandContext(t.Context(), "diff", "-r", "--no-dereference", fresh, result.Checkout.Dir).CombinedOutput()
	require.NoError(t, err, string(links))
	require.NoError(t, result.Checkout.Close())
}

// intact checks what must hold after every build, failed or not: the objects
// are what their names say, no mount and no scratch directory is left.
func intact(t *testing.T, repo *ostree.Repo) {
	t.Helper()
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "ostree", "--repo="+repo.Path(), "fsck", "--quiet").CombinedOutput()
	require.NoError(t, err, string(out))
	left, err := filepath.Glob(filepath.Join(assemble.ScratchDir(repo.Path()), "assemble-*"))
	require.NoError(t, err)
	require.Empty(t, left)
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	require.NotContains(t, string(mounts), repo.Path())
}

// file reads a file of a commit; "" if it does not exist.
func file(t *testing.T, repo *ostree.Repo, c ostree.Checksum, name string) string {
	t.Helper()
	fsys, err := repo.FS(t.Context(), c)
	require.NoError(t, err)
	data, err := fs.ReadFile(fsys, name)
	if os.IsNotExist(err) {
		return ""
	}
	require.NoError(t, err)
	return string(data)
}

// status reads the package database of a commit.
func status(t *testing.T, repo *ostree.Repo, c ostree.Checksum) map[string]string {
	t.Helper()
	fsys, err := repo.FS(t.Context(), c)
	require.NoError(t, err)
	entries, err := dpkg.ReadStatusFS(fsys)
	require.NoError(t, err)
	states := map[string]string{}
	for _, e := range entries {
		states[e.Name] = e.Want + " " + e.Flag + " " + e.State + " " + e.Package.Version.String()
	}
	return states
}

func TestComposeIsReproducible(t *testing.T) {
	repo, b := minimal(t)
	intact(t, repo)
	again := newRepo(t, ostree.ModeBare)
	s := debianSet(t, minimalSet...)
	result, err := assemble.Build(t.Context(), assemble.Input{
		Repo: again, Batches: s.batches(t), Debs: s.debs, Timestamp: epoch, Runner: jail(t), AllowNoKernel: true, Logger: logger(t),
		Unpacker: assemble.UnpackDpkg,
	})
	require.NoError(t, err)
	require.Equal(t, b.commit, result.Commit)
	intact(t, again)
}

// The ids of the previous commit change nothing when nothing else changed.
func TestComposeWithItsOwnSeed(t *testing.T) {
	repo, b := minimal(t)
	seed, err := repo.FS(t.Context(), b.commit)
	require.NoError(t, err)
	s := debianSet(t, minimalSet...)
	result, err := assemble.Build(t.Context(), assemble.Input{
		Repo: repo, Batches: s.batches(t), Debs: s.debs, Timestamp: epoch, Runner: jail(t), AllowNoKernel: true, Seed: seed,
	})
	require.NoError(t, err)
	requireSameTree(t, repo, b.tree, result.Tree)
}

func requireSameTree(t *testing.T, repo *ostree.Repo, want, got ostree.TreeID) {
	t.Helper()
	diff, err := repo.Diff(t.Context(), want, got)
	require.NoError(t, err)
	require.Empty(t, diff)
	require.Equal(t, want, got)
}

// Layering nothing gives the base back: unfolding and folding are inverse, and
// dpkg changes nothing by itself.
func TestLayerNothing(t *testing.T) {
	repo, b := minimal(t)
	result, err := layer(t, repo, b, withCheckout)
	require.NoError(t, err)
	requireSameTree(t, repo, b.tree, result.Tree)
	requireCheckout(t, repo, result)
	require.Equal(t, b.installed, result.Packages)
	intact(t, repo)
}

func TestLayerPackage(t *testing.T) {
	repo, b := minimal(t)
	hello := apttest.Deb{
		Package: "hello", Version: "1.0-1", Depends: "libhello (>= 1)",
		Files: []apttest.File{
			{Path: "usr/bin/hello", Mode: 0o755, Content: "#!/bin/sh\necho hello\n"},
			{Path: "etc/hello.conf", Content: "greeting=hello\n"},
			{Path: "var/lib/hello/state", Content: "0\n"},
		},
		Scripts: map[string]string{
			"preinst":  `test "$1" = install && test -d /usr/lib/hello`,
			"postinst": "adduser --quiet --system --group --home /var/lib/hello hello\ninvoke-rc.d hello start || true\necho configured >/usr/lib/hello/stamp\nchown hello /usr/lib/hello/stamp\n",
		},
		PreDepends: "libhello",
	}
	lib := apttest.Deb{Package: "libhello", Version: "1.0-1", Files: []apttest.File{{Path: "usr/lib/hello/data", Content: "data"}}}
	var seen []assemble.Progress
	change := func(in *assemble.Input) {
		in.Ref = ostree.Refspec{Ref: "layered"}
		in.Commit.Parent = b.commit
		in.Report = func(p assemble.Progress) { seen = append(seen, p) }
		in.Inspect = func(root string) error {
			_, err := os.Stat(filepath.Join(root, "usr/sbin/policy-rc.d"))
			require.ErrorIs(t, err, fs.ErrNotExist)
			return nil
		}
	}
	result, err := layer(t, repo, b, change, hello, lib)
	require.NoError(t, err)
	require.Equal(t, "configured\n", file(t, repo, result.Commit, "usr/lib/hello/stamp"))
	require.Equal(t, "greeting=hello\n", file(t, repo, result.Commit, "usr/etc/hello.conf"))
	require.Equal(t, "install ok installed 1.0-1", status(t, repo, result.Commit)["hello"])
	require.Empty(t, file(t, repo, result.Commit, "usr/sbin/policy-rc.d"))
	require.Len(t, result.Packages, len(b.installed)+2)
	require.Equal(t, seen[len(seen)-1].Total, seen[0].Total)
	ref, err := repo.Resolve(t.Context(), "layered")
	require.NoError(t, err)
	require.Equal(t, result.Commit, ref)
	intact(t, repo)

	// Once more, in the other order and with the seed of the first.
	seed, err := repo.FS(t.Context(), result.Commit)
	require.NoError(t, err)
	again, err := layer(t, repo, b, func(in *assemble.Input) { in.Seed, in.KeepCheckout = seed, true }, lib, hello)
	require.NoError(t, err)
	requireSameTree(t, repo, result.Tree, again.Tree)
	requireCheckout(t, repo, again)
	intact(t, repo)
}

// Archive repositories hold no files that could be linked to.
func TestLayerInArchiveRepository(t *testing.T) {
	source, b := minimal(t)
	repo := newRepo(t, ostree.ModeArchive)
	out, err := exec.CommandContext(t.Context(), "ostree", "--repo="+repo.Path(), "pull-local", source.Path(), b.commit.String()).CombinedOutput()
	require.NoError(t, err, string(out))
	deb := apttest.Deb{Package: "hello", Files: []apttest.File{{Path: "usr/share/hello", Content: "x"}}}
	result, err := layer(t, repo, b, withCheckout, deb)
	require.NoError(t, err)
	requireCheckout(t, repo, result)
	same, err := layer(t, source, b, nil, deb)
	require.NoError(t, err)
	require.Equal(t, same.Tree, result.Tree)
	intact(t, repo)
}

func TestPurge(t *testing.T) {
	repo, b := minimal(t)
	first, err := layer(t, repo, b, nil, apttest.Deb{
		Package: "gone", Files: []apttest.File{{Path: "etc/gone.conf", Content: "x"}, {Path: "usr/share/gone/file", Content: "x"}},
		Scripts: map[string]string{"postrm": `test "$1" != purge || echo purged >/usr/share/purged`},
	})
	require.NoError(t, err)
	second, err := layer(t, repo, base{commit: first.Commit, installed: first.Packages}, func(in *assemble.Input) { in.Purge = []string{"gone"} })
	require.NoError(t, err)
	require.Empty(t, file(t, repo, second.Commit, "usr/etc/gone.conf"))
	require.Equal(t, "purged\n", file(t, repo, second.Commit, "usr/share/purged"))
	require.NotContains(t, status(t, repo, second.Commit), "gone")
	require.Equal(t, b.installed, second.Packages)
	intact(t, repo)
}

// TestOverwrite lets one package replace a file of another, and nobody else.
func TestOverwrite(t *testing.T) {
	repo, b := minimal(t)
	same := []apttest.File{{Path: "usr/share/doc/dpkg/copyright", Content: "echo mine\n"}, {Path: "usr/share/mine", Content: "x"}}
	for _, unpacker := range []assemble.UnpackMode{assemble.UnpackNative, assemble.UnpackDpkg} {
		_, err := layer(t, repo, b, func(in *assemble.Input) { in.Unpacker = unpacker }, apttest.Deb{Package: "mine", Files: same})
		require.ErrorContains(t, err, "trying to overwrite")
		result, err := layer(t, repo, b, func(in *assemble.Input) {
			in.Unpacker = unpacker
			for p := range in.Debs {
				if p.Name == "mine" {
					in.Overwrite = append(in.Overwrite, p)
				}
			}
		}, apttest.Deb{Package: "mine", Files: same}, apttest.Deb{Package: "other", Files: []apttest.File{{Path: "usr/share/other", Content: "x"}}})
		require.NoError(t, err)
		require.Contains(t, file(t, repo, result.Commit, "usr/share/doc/dpkg/copyright"), "echo mine")
		intact(t, repo)
	}
}

// A name that a deployment turns into a whiteout is a file for the packages, so the directory is not
// what the deployment needs.
func TestNoCheckoutWithWhiteouts(t *testing.T) {
	repo, b := minimal(t)
	deb := apttest.Deb{Package: "images", Files: []apttest.File{{Path: "usr/lib/images/.ostree-wh.gone", Content: "x"}}}
	result, err := layer(t, repo, b, withCheckout, deb)
	require.NoError(t, err)
	require.Nil(t, result.Checkout)
	intact(t, repo)
}
