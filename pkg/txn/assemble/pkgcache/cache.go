package pkgcache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// A Cache is a repository in which packages are commits. Others may use the repository too.
type Cache struct{ repo *ostree.Repo }

// New returns the cache in a repository, which must be open for writing to import. The repository
// stays the caller's.
func New(repo *ostree.Repo) *Cache { return &Cache{repo} }

// Repo is the repository.
func (c *Cache) Repo() *ostree.Repo { return c.repo }

// A Source is a package to import.
type Source struct {
	Key
	// SHA256 is what the .deb must have, in lower case hexadecimal. Without it, as for a local file,
	// the file is always read.
	SHA256 string
	// Path is the .deb. It is not looked at if the package is in the cache already.
	Path string
}

// Options configures an import.
type Options struct {
	// Deb limits what an untrusted package may cost.
	Deb deb.Options
	// Parallel is how many packages are read at a time; 0 is one for each processor.
	Parallel int
	// Report is called when a package is in the cache or found unfit for it. Calls do not overlap. Nil
	// for none.
	Report func(Key)
}

// A Result is what became of a source.
type Result struct {
	// Commit is the package's, zero if it is unfit.
	Commit ostree.Checksum
	// Unsupported says why there is no commit.
	Unsupported *UnsupportedError
	// Cached says that nothing had to be read.
	Cached bool
}

// Import puts packages into the cache, in one update of the repository: after an error none of them
// is there that was not before. Results are in the order of the sources. A package that dpkg has to
// unpack is no error; one that is damaged or has another hash is.
func (c *Cache) Import(ctx context.Context, sources []Source, opts Options) ([]Result, error) {
	results := make([]Result, len(sources))
	var missing []int
	for i, s := range sources {
		commit, err := c.Find(ctx, s.Key, s.SHA256)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, i)
		case err != nil:
			return nil, err
		default:
			results[i] = Result{Commit: commit, Cached: true}
			if opts.Report != nil {
				opts.Report(s.Key)
			}
		}
	}
	if len(missing) == 0 {
		return results, nil
	}
	err := c.repo.Update(ctx, func(w *ostree.Writer) error {
		return importAll(ctx, w, sources, missing, results, opts)
	})
	return results, err
}

// importAll imports the missing sources, several at a time. The largest come first, so that none of them
// is left to one processor at the end.
func importAll(ctx context.Context, w *ostree.Writer, sources []Source, missing []int, results []Result, opts Options) error {
	group, ctx := errgroup.WithContext(ctx)
	if opts.Parallel <= 0 {
		opts.Parallel = runtime.GOMAXPROCS(0)
	}
	group.SetLimit(opts.Parallel)
	sizes := map[int]int64{}
	for _, i := range missing {
		if info, err := os.Stat(sources[i].Path); err == nil { // else importing it says so
			sizes[i] = info.Size()
		}
	}
	slices.SortStableFunc(missing, func(a, b int) int { return cmp.Compare(sizes[b], sizes[a]) })
	var mu sync.Mutex
	for _, i := range missing {
		group.Go(func() error {
			commit, err := importFile(ctx, w, sources[i], opts.Deb)
			if unfit, ok := errors.AsType[*UnsupportedError](err); ok {
				results[i].Unsupported, err = unfit, nil
			}
			if err != nil {
				return fmt.Errorf("import %s: %w", sources[i].Key, err)
			}
			results[i].Commit = commit
			if opts.Report != nil {
				mu.Lock()
				defer mu.Unlock()
				opts.Report(sources[i].Key)
			}
			return nil
		})
	}
	return group.Wait()
}

// Find returns the commit of a package whose .deb has the hash. One that is not in the cache, or not
// with that hash, is an [fs.ErrNotExist].
func (c *Cache) Find(ctx context.Context, k Key, sha256 string) (ostree.Checksum, error) {
	commit, err := c.repo.Resolve(ctx, k.Ref().String())
	if _, ok := errors.AsType[*ostree.RefNotFoundError](err); ok || sha256 == "" {
		return ostree.Checksum{}, &fs.PathError{Op: "find", Path: k.String(), Err: fs.ErrNotExist}
	}
	if err != nil {
		return ostree.Checksum{}, err
	}
	object, err := c.repo.LoadCommit(ctx, commit)
	if err != nil {
		return ostree.Checksum{}, err
	}
	if object.Metadata.Str(keySHA256) != sha256 || object.Metadata.Str(keyFormat) != format {
		return ostree.Checksum{}, &fs.PathError{Op: "find", Path: k.String(), Err: fs.ErrNotExist}
	}
	return commit, nil
}

// Drop removes packages that nobody needs from the cache: those that keep does not want. It returns
// how many it were. Their objects go with the next prune of the repository.
func (c *Cache) Drop(ctx context.Context, keep func(Key) bool) (int, error) {
	refs, err := c.repo.Refs(ctx, RefPrefix)
	if err != nil {
		return 0, err
	}
	var drop []ostree.Refspec
	for ref, commit := range refs {
		object, err := c.repo.LoadCommit(ctx, commit)
		if err != nil {
			return 0, fmt.Errorf("ref %s: %w", ref, err)
		}
		if !keep(keyOf(object)) {
			drop = append(drop, ref)
		}
	}
	if len(drop) == 0 {
		return 0, nil
	}
	return len(drop), c.repo.Update(ctx, func(w *ostree.Writer) error {
		for _, ref := range drop {
			if err := w.DeleteRef(ref); err != nil {
				return err
			}
		}
		return nil
	})
}
