package compose

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/pkgcache"
)

// build makes the commit: in the repository itself, or in the package cache and from there.
func (a *application) build(ctx context.Context, in assemble.Input) (result *assemble.Result, err error) {
	if in.Unpacker == assemble.UnpackDpkg && in.Tree == (ostree.TreeID{}) {
		if err := a.addContent(ctx, &in); err != nil {
			return nil, err
		}
		return assemble.Build(ctx, in)
	}
	err = a.composer.withCache(func(cache *ostree.Repo) error {
		result, err = a.buildIn(ctx, cache, in)
		return err
	})
	return result, err
}

// openCache opens the package cache, which has files that can be hard links in a tree.
func openCache(dir string) (*ostree.Repo, error) {
	path := filepath.Join(dir, "pkgcache")
	repo, err := ostree.Open(path, ostree.Options{})
	if errors.Is(err, fs.ErrNotExist) {
		repo, err = ostree.Init(path, ostree.ModeBare, ostree.Options{})
	}
	if err != nil {
		return nil, fmt.Errorf("package cache: %w", err)
	}
	return repo, nil
}

// buildIn makes the commit in the cache and copies it to where it belongs, together with its ref.
func (a *application) buildIn(ctx context.Context, cache *ostree.Repo, in assemble.Input) (*assemble.Result, error) {
	target, ref := in.Repo, in.Ref
	in.Repo, in.Ref = cache, ostree.Refspec{}
	if err := a.addContent(ctx, &in); err != nil {
		return nil, err
	}
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
	a.tidyUp(ctx, cache)
	return result, nil
}

// keptStages is how many trees of each stage of an assembly are kept for later composes. They share
// most of their files.
const keptStages = 4

// tidyUp tidies the cache after what was asked for is there. A cache that could not be tidied is tidied
// next time.
func (a *application) tidyUp(ctx context.Context, cache *ostree.Repo) {
	if err := a.tidy(ctx, cache); err != nil {
		a.composer.opts.Logger.Warn("package cache not tidied", "error", err)
	}
}

// tidy drops packages that neither this tree nor a commit that a ref of the repository names has, and
// what the build has left in the cache.
func (a *application) tidy(ctx context.Context, cache *ostree.Repo) error {
	if _, err := assemble.DropStages(ctx, cache, keptStages); err != nil {
		return err
	}
	if err := a.dropPackages(ctx, cache); err != nil {
		return err
	}
	_, err := cache.Prune(ctx, ostree.PruneOptions{RefsOnly: true})
	return err
}

// dropPackages drops packages that nobody needs. Without a plan or a repository it is not known who does.
func (a *application) dropPackages(ctx context.Context, cache *ostree.Repo) error {
	if len(a.plan.packages) == 0 || a.composer.opts.Repo == nil {
		return nil
	}
	needed := map[pkgcache.Key]bool{}
	for _, p := range a.plan.packages {
		needed[keyOf(p)] = true
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
	_, err = pkgcache.New(cache).Drop(ctx, func(k pkgcache.Key) bool { return needed[k] })
	return err
}

// keyOf is how the package cache knows a package.
func keyOf(p *apt.Package) pkgcache.Key {
	return pkgcache.Key{Name: p.Name, Version: p.Version.String(), Architecture: p.Architecture}
}

// buildRoot is buildIn for a tree that is a directory.
func (a *application) buildRoot(ctx context.Context, in assemble.Input, root string) (result *assemble.Result, err error) {
	err = a.composer.withCache(func(cache *ostree.Repo) error {
		if in.Tree, err = assemble.Import(ctx, cache, root); err != nil {
			return err
		}
		result, err = a.buildIn(ctx, cache, in)
		return err
	})
	return result, err
}
