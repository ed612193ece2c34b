package compose

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/pkgcache"
)

// build makes the commit: in the repository itself, or in the package cache and from there.
func (a *application) build(ctx context.Context, in assemble.Input) (*assemble.Result, error) {
	if in.Unpacker == assemble.UnpackDpkg {
		return assemble.Build(ctx, in)
	}
	cache, err := openCache(filepath.Join(a.composer.opts.CacheDir, "pkgcache"))
	if err != nil {
		return nil, fmt.Errorf("package cache: %w", err)
	}
	result, err := a.buildIn(ctx, cache, in)
	return result, errors.Join(err, cache.Close())
}

// openCache opens the package cache, which has files that can be hard links in a tree.
func openCache(path string) (*ostree.Repo, error) {
	repo, err := ostree.Open(path, ostree.Options{})
	if errors.Is(err, fs.ErrNotExist) {
		return ostree.Init(path, ostree.ModeBare, ostree.Options{})
	}
	return repo, err
}

// buildIn makes the commit in the cache and copies it to where it belongs, together with its ref.
func (a *application) buildIn(ctx context.Context, cache *ostree.Repo, in assemble.Input) (*assemble.Result, error) {
	target, ref := in.Repo, in.Ref
	in.Repo, in.Ref = cache, ostree.Refspec{}
	result, err := assemble.Build(ctx, in)
	if err != nil {
		return nil, err
	}
	err = target.Update(ctx, func(w *ostree.Writer) error {
		if err := w.ImportCommit(ctx, cache, result.Commit); err != nil {
			return err
		}
		result.Stats = w.Stats()
		if ref.IsZero() {
			return nil
		}
		return w.SetRef(ref, result.Commit)
	})
	if err != nil {
		return nil, err
	}
	// The commit is there. A cache that could not be tidied is tidied next time.
	if err := a.tidy(ctx, cache, result); err != nil {
		a.composer.opts.Logger.Warn("package cache not tidied", "error", err)
	}
	return result, nil
}

// keptStages is how many trees of each stage of an assembly are kept for later composes. They share
// most of their files.
const keptStages = 4

// tidy drops packages that neither this commit nor one that a ref of the repository names has, and
// what the build has left in the cache.
func (a *application) tidy(ctx context.Context, cache *ostree.Repo, result *assemble.Result) error {
	object, err := cache.LoadCommit(ctx, result.Commit)
	if err != nil {
		return err
	}
	needed := map[pkgcache.Key]bool{}
	for _, k := range assemble.PackageKeys(object) {
		needed[k] = true
	}
	refs, err := a.composer.opts.Repo.Refs(ctx, "")
	if err != nil {
		return err
	}
	for _, commit := range refs {
		object, err := a.composer.opts.Repo.LoadCommit(ctx, commit)
		if err != nil {
			return err
		}
		for _, k := range assemble.PackageKeys(object) {
			needed[k] = true
		}
	}
	if _, err := assemble.DropStages(ctx, cache, keptStages); err != nil {
		return err
	}
	if _, err := pkgcache.New(cache).Drop(ctx, func(k pkgcache.Key) bool { return needed[k] }); err != nil {
		return err
	}
	_, err = cache.Prune(ctx, ostree.PruneOptions{RefsOnly: true})
	return err
}
