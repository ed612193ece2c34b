package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
	"github.com/apt-ostree/apt-ostree/test/peer"
)

// benchCompose composes the embedded treefile from downloaded packages and lets the peers do the
// same.
func benchCompose(ctx context.Context, opts options, work string) error {
	const name = "compose of the embedded set, from downloaded .debs / mmdebstrap, dracut and `ostree commit`"
	if !opts.only.MatchString(name) {
		return nil
	}
	tree, err := compose.Embedded(compose.LoadOptions{Architecture: txn.NativeArchitecture()})
	if err != nil {
		return err
	}
	set, err := download(ctx, tree, opts.cache, filepath.Join(work, "first"))
	if err != nil {
		return err
	}
	archive := filepath.Join(work, "archive", "debs")
	if err := os.MkdirAll(archive, 0o755); err != nil {
		return err
	}
	if err := set.LocalArchive(ctx, archive); err != nil {
		return err
	}
	cold, imported, changed, same, theirs := []sample{}, []sample{}, []sample{}, []sample{}, []sample{}
	for i := range opts.runs {
		repo := filepath.Join(work, fmt.Sprint("ours", i))
		other := *tree // of the same packages
		other.Postprocess = append(slices.Clone(tree.Postprocess), fmt.Sprintf("echo %d >/usr/share/run", i))
		for _, do := range []struct {
			into *[]sample
			fn   func() error
		}{
			{&theirs, func() error { return peerOnce(ctx, set, archive, filepath.Join(work, fmt.Sprint("theirs", i))) }},
			{&cold, func() error { return composeOnce(ctx, tree, opts.cache, repo) }},
			{&imported, func() error { return composeOnce(ctx, tree, opts.cache, repo+"-imported") }},
			{&changed, func() error { return composeOnce(ctx, &other, opts.cache, repo+"-changed") }},
			{&same, func() error { return composeOnce(ctx, tree, opts.cache, repo) }},
		} {
			if err := forget(ctx, opts.cache, do.into == &cold, do.into == &imported); err != nil {
				return err
			}
			unix.Sync()
			s, err := timed(do.fn)
			if err != nil {
				return err
			}
			*do.into = append(*do.into, s)
		}
	}
	peers := fmt.Sprintf(" / the same (%d packages)", len(set.Debs))
	printRow(fmt.Sprintf("%s (%d packages)", name, len(set.Debs)), cold, theirs)
	printRow("compose with the packages imported"+peers, imported, theirs)
	printRow("compose with another script after one like it"+peers, changed, theirs)
	printRow("compose with nothing changed"+peers, same, theirs)
	return nil
}

// forget removes from the cache what an earlier compose has left, except for the .debs: everything, or
// the stages of its assembly.
func forget(ctx context.Context, cache string, all, stages bool) error {
	path := filepath.Join(cache, "pkgcache")
	if all {
		return os.RemoveAll(path)
	}
	if !stages {
		return nil
	}
	repo, err := ostree.Open(path, ostree.Options{})
	if err != nil {
		return err
	}
	_, err = assemble.DropStages(ctx, repo, 0)
	return errors.Join(err, repo.Close())
}

func timed(fn func() error) (sample, error) {
	start := time.Now()
	err := fn()
	return sample{seconds: time.Since(start).Seconds()}, err
}

// download fetches the packages and gives them as the set that the peer installs.
func download(ctx context.Context, tree *compose.Treefile, cache, repo string) (peer.Set, error) {
	set := peer.Set{Release: tree.Releasever, Architecture: tree.Basearch, Epoch: epoch, DpkgOptions: assemble.DocExcludes()}
	err := withComposer(tree, cache, repo, false, func(c *compose.Composer) error {
		plan, err := c.Plan(ctx)
		if err != nil {
			return err
		}
		set.Debs, err = c.Download(ctx, plan, nil)
		return err
	})
	return set, err
}

func composeOnce(ctx context.Context, tree *compose.Treefile, cache, repo string) error {
	return withComposer(tree, cache, repo, true, func(c *compose.Composer) error {
		plan, err := c.Plan(ctx)
		if err != nil {
			return err
		}
		_, err = c.Apply(ctx, plan, nil)
		return err
	})
}

func withComposer(tree *compose.Treefile, cache, path string, offline bool, fn func(*compose.Composer) error) error {
	repo, err := ostree.Open(path, ostree.Options{})
	if errors.Is(err, fs.ErrNotExist) {
		repo, err = ostree.Init(path, ostree.ModeBare, ostree.Options{})
	}
	if err != nil {
		return err
	}
	defer repo.Close()
	c, err := compose.New(compose.Options{
		Repo: repo, Treefile: tree, CacheDir: cache, Offline: offline,
		Timestamp: time.Unix(epoch, 0),
	})
	if err != nil {
		return err
	}
	return fn(c)
}

// peerOnce installs the set, makes the initramfs and commits the tree.
func peerOnce(ctx context.Context, set peer.Set, archive, dir string) error {
	root, repo := filepath.Join(dir, "root"), filepath.Join(dir, "repo")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := set.Mmdebstrap(ctx, archive, root); err != nil {
		return err
	}
	modules, err := os.ReadDir(filepath.Join(root, "usr/lib/modules"))
	if err != nil {
		return err
	}
	kernel := modules[0].Name()
	for _, line := range []string{
		"chroot " + root + " dracut --quiet --force --no-hostonly --reproducible --zstd --kver " + kernel + " /usr/lib/modules/" + kernel + "/initramfs.img",
		"rm -rf " + root + "/dev",
		"mkdir " + root + "/dev",
		"ostree init --mode=bare --repo=" + repo,
		"ostree commit --repo=" + repo + " --branch=bench --tree=dir=" + root,
	} {
		words := strings.Fields(line)
		cmd := exec.CommandContext(ctx, words[0], words[1:]...)
		cmd.Env = append(os.Environ(), "TMPDIR=/var/tmp") // not that of this program, which dracut would look for in the tree
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", line, err, out)
		}
	}
	return nil
}
