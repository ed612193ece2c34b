package ostree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// adder walks directories in one goroutine and hands their files to workers,
// which hash and store them.
type adder struct {
	w       *Writer
	opts    AddOptions
	overlay bool // entries may carry the marks of an overlay's upper layer
	// consumed notes what was read, if that is to be removed.
	consumed *consumption
	workers  *workers
	links    linkCache
	own      unix.Stat_t // the directory of the repository

	mu   sync.Mutex // guards tree and the filter
	tree *Tree
}

func newAdder(w *Writer, t *Tree, opts AddOptions) *adder {
	opts.NoXattrs = opts.NoXattrs || w.repo.settings.noXattrs
	if w.repo.Mode() == ModeBareUserOnly {
		opts.CanonicalPermissions = true
		opts.NoXattrs = true
	}
	return &adder{w: w, tree: t, opts: opts}
}

// run calls walk and waits for the workers. The first error stops both.
func (a *adder) run(ctx context.Context, walk func(context.Context) error) error {
	own, err := fsx.StatAt(a.w.repo.fd, "")
	if err != nil {
		return err
	}
	a.own = own
	a.workers, ctx = startWorkers(ctx)
	return causeOf(walk(ctx), a.workers.wait())
}

// causeOf picks, of the error of a walk and that of its workers, the one that
// came first: if workers fail the walk is canceled.
func causeOf(walkErr, workersErr error) error {
	if workersErr != nil && (walkErr == nil || errors.Is(walkErr, context.Canceled)) {
		return workersErr
	}
	return walkErr
}

// directory adds an open directory and everything below it.
func (a *adder) directory(ctx context.Context, d *sourceDir, at string) error {
	if own, err := a.isRepo(d.File); own || err != nil {
		return err
	}
	meta, action, err := a.dirMeta(d.File, at)
	if err != nil {
		return err
	}
	if action == Skip {
		a.consumed.note(consumedDir{path: d.path, skipped: true})
		return nil
	}
	if err := a.putDir(at, meta); err != nil {
		return err
	}
	entries, err := readDir(d.File)
	if err != nil {
		return err
	}
	a.consumed.note(consumedDir{path: d.path, entries: entries})
	for _, e := range entries {
		if err := a.entry(ctx, d, e, path.Join(at, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// isRepo tells whether a directory is the repository that it is added to, which
// changes while it is read.
func (a *adder) isRepo(d *os.File) (bool, error) {
	st, err := fsx.StatAt(int(d.Fd()), "")
	if err != nil || st.Dev != a.own.Dev || st.Ino != a.own.Ino {
		return false, err
	}
	if a.opts.Consume {
		return false, fmt.Errorf("%s: the repository is in the directory that is to be consumed", a.w.repo.path)
	}
	return true, nil
}

func (a *adder) entry(ctx context.Context, d *sourceDir, e fs.DirEntry, at string) error {
	if !e.IsDir() {
		return a.leaf(ctx, d, e, at)
	}
	f, err := fsx.OpenDirAt(int(d.Fd()), e.Name())
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	sub := newSourceDir(f)
	sub.path = path.Join(d.path, e.Name())
	defer sub.release()
	return a.directory(ctx, sub, at)
}

// leaf hands a file or symbolic link to a worker, or refuses another kind of
// file.
func (a *adder) leaf(ctx context.Context, d *sourceDir, e fs.DirEntry, at string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var store func(context.Context, *sourceDir, string, string) error
	switch e.Type() {
	case 0:
		store = a.storeRegular
	case fs.ModeSymlink:
		store = a.storeSymlink
	default:
		return a.special(d, e.Name(), at)
	}
	d.retain()
	a.workers.run(func() error {
		defer d.release()
		if err := store(ctx, d, e.Name(), at); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		return nil
	})
	return nil
}

func (a *adder) special(d *sourceDir, name, at string) error {
	if a.opts.SkipSpecial {
		return nil
	}
	st, err := fsx.StatAt(int(d.Fd()), name)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return &FileTypeError{Path: at, Mode: st.Mode}
}

func (a *adder) storeRegular(ctx context.Context, d *sourceDir, name, at string) error {
	if done, err := a.storeKnown(ctx, d, name, at); done || err != nil {
		return err
	}
	f, err := d.open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	st, attrs, err := a.inspect(int(f))
	if err != nil {
		return err
	}
	if a.overlay {
		whiteout, err := isMarkedWhiteout(st, attrs)
		if err != nil {
			return err
		}
		if whiteout {
			return a.change(at, func() error { return a.tree.drop(at) })
		}
	}
	fi := FileInfo{UID: st.Uid, GID: st.Gid, Mode: st.Mode, Size: st.Size, Xattrs: a.committed(attrs)}
	if action, err := a.modify(at, &fi); err != nil || action == Skip {
		return err
	}
	c, err := a.links.do(st, fi, func() (Checksum, error) {
		adopt, err := a.canAdopt(f, st, fi, attrs)
		switch {
		case err != nil:
			return Checksum{}, err
		case adopt:
			return a.w.adoptFile(ctx, fi, f, int(d.Fd()), name)
		}
		return a.write(ctx, fi, f)
	})
	if err != nil {
		return err
	}
	return a.putStored(at, c)
}

// write stores an open file.
func (a *adder) write(ctx context.Context, fi FileInfo, f fdFile) (Checksum, error) {
	buffers := &a.w.repo.pools.buffers
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	data, err := f.readSized(*pooled, fi.Size)
	switch {
	case err == nil:
		return a.w.writeBytes(ctx, fi, data)
	case !errors.Is(err, io.ErrShortBuffer):
		return Checksum{}, err
	case len(data) == 0:
		return a.w.WriteFile(ctx, fi, f)
	}
	return a.w.WriteFile(ctx, fi, io.MultiReader(bytes.NewReader(data), f))
}

func (a *adder) storeSymlink(ctx context.Context, d *sourceDir, name, at string) error {
	if done, err := a.storeKnown(ctx, d, name, at); done || err != nil {
		return err
	}
	fi, err := a.symlinkInfo(d.File, name)
	if err != nil {
		return err
	}
	if action, err := a.modify(at, &fi); err != nil || action == Skip {
		return err
	}
	c, err := a.w.WriteFile(ctx, fi, nil)
	if err != nil {
		return err
	}
	return a.putStored(at, c)
}

// putStored puts a file into the tree that was just stored.
func (a *adder) putStored(at string, c Checksum) error { return a.putFileBy(at, c, a.w) }

// putFile puts a file into the tree of which it is not certain that it exists.
func (a *adder) putFile(at string, c Checksum) error { return a.putFileBy(at, c, nil) }

func (a *adder) putFileBy(at string, c Checksum, by *Writer) error {
	return a.change(at, func() error {
		if err := a.mayReplace(at, false); err != nil {
			return err
		}
		return a.tree.putFile(at, c, by)
	})
}

// putDir puts a directory into the tree.
func (a *adder) putDir(at string, meta DirMeta) error {
	return a.change(at, func() error {
		if err := a.mayReplace(at, true); err != nil {
			return err
		}
		return a.tree.putDir(at, meta)
	})
}

func (a *adder) mayReplace(at string, dir bool) error {
	if !a.opts.RefuseReplace {
		return nil
	}
	n, _, err := a.tree.find(at)
	if err == nil && (n != nil) != dir {
		return &ReplaceError{Path: at, Dir: n != nil}
	}
	return nil
}

// change runs a change of the tree, which is not safe for concurrent use.
func (a *adder) change(at string, f func() error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := f(); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}

// readDir lists a directory by name and refuses names that a commit cannot hold.
func readDir(d *os.File) ([]fs.DirEntry, error) {
	entries, err := d.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !utf8.ValidString(e.Name()) {
			return nil, fmt.Errorf("%s: %w", d.Name(), &FileNameError{Name: e.Name()})
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}
