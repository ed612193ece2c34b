package ostree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/tarball"
)

// ArchiveOptions say how the content of an archive becomes part of a [Tree]. The
// options about files on disk have no effect.
type ArchiveOptions struct {
	AddOptions
	// AutocreateParents makes directories that the archive has files in but does
	// not mention. Root owns them, with mode 0755, unless other options change that.
	// Without it they are a [*MissingParentError].
	AutocreateParents bool
	// Rename, if set, may give each entry, and the target of each hard link, another
	// path. Paths have no leading slash; that of the root is empty. See
	// [ParseRename].
	Rename func(path string) string
}

// A MissingParentError says that an archive has an entry in a directory that is
// neither in the archive nor in the tree.
type MissingParentError struct {
	Path   string // of the entry
	Parent string
}

// Error implements error.
func (e *MissingParentError) Error() string {
	return fmt.Sprintf("%s: the directory %s is not in the archive; let it be created with AutocreateParents", e.Path, e.Parent)
}

// ErrArchiveFormat says that a stream is no archive of a known format.
var ErrArchiveFormat = tarball.ErrUnknown

// AddArchive adds the content of an archive to a tree at a path, with the same
// rules as [Writer.AddDirectory]. The archive is tar in any dialect (pax, GNU,
// with sparse files) or cpio (newc, odc), plain or compressed by gzip, bzip2, xz
// or zstd; an empty stream is an archive of nothing.
//
// Of entries with one path the last counts. A hard link becomes the object that
// its target is in the end, whether the target comes before or after it; it has
// no metadata of its own. Extended attributes are those of the pax headers
// SCHILY.xattr and LIBARCHIVE.xattr. Paths that lead out of the tree are an
// error.
func (w *Writer) AddArchive(ctx context.Context, t *Tree, at string, r io.Reader, opts ArchiveOptions) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	archive, err := tarball.NewReader(r)
	if err != nil {
		return fmt.Errorf("add archive: %w", err)
	}
	defer archive.Close()
	a := &archiveAdder{
		adder: newAdder(w, t, opts.AddOptions), opts: opts, at: "/" + clean(at),
		links: make(map[string]string), skipped: make(map[string]bool),
	}
	if err := a.run(ctx, func(ctx context.Context) error { return a.entries(ctx, archive) }); err != nil {
		return fmt.Errorf("add archive: %w", err)
	}
	if err := a.resolveLinks(); err != nil {
		return fmt.Errorf("add archive: %w", err)
	}
	return nil
}

// archiveAdder reads an archive in one goroutine; small files are hashed and
// stored by workers.
type archiveAdder struct {
	*adder
	opts    ArchiveOptions
	at      string
	links   map[string]string // hard links and their targets
	skipped map[string]bool   // directories
	serial  uint64            // of placeholders
}

func (a *archiveAdder) entries(ctx context.Context, archive *tarball.Reader) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		e, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := a.entry(ctx, e, archive); err != nil {
			return err
		}
	}
}

func (a *archiveAdder) entry(ctx context.Context, e *tarball.Entry, content io.Reader) error {
	at, err := a.path(e.Name)
	if err != nil {
		return err
	}
	if a.isSkipped(path.Dir(at)) {
		return nil
	}
	delete(a.links, at)
	fi := FileInfo{UID: e.UID, GID: e.GID, Mode: e.Mode, Size: e.Size, Target: e.Target, Xattrs: a.archiveXattrs(e)}
	action, err := a.modify(at, &fi)
	if err != nil {
		return err
	}
	isDir := fi.Mode&unix.S_IFMT == unix.S_IFDIR
	if action == Skip {
		a.skipped[at] = isDir
		return nil
	}
	if err := a.needParent(at); err != nil {
		return err
	}
	switch {
	case e.Hardlink != "":
		a.links[at], err = a.path(e.Hardlink)
		return err
	case isDir:
		return a.putDir(at, DirMeta{UID: fi.UID, GID: fi.GID, Mode: fi.Mode, Xattrs: fi.Xattrs})
	case fi.IsSymlink(), fi.Mode&unix.S_IFMT == unix.S_IFREG:
		return a.file(ctx, at, fi, content)
	case a.opts.SkipSpecial:
		return nil
	}
	return &FileTypeError{Path: at, Mode: fi.Mode}
}

func (a *archiveAdder) archiveXattrs(e *tarball.Entry) []Xattr {
	if len(e.Xattrs) == 0 || a.adder.opts.NoXattrs {
		return nil
	}
	xattrs := make([]Xattr, 0, len(e.Xattrs))
	for name, value := range e.Xattrs {
		xattrs = append(xattrs, Xattr{Name: name, Value: []byte(value)})
	}
	return a.kept(xattrs)
}

// file stores a file. One that is small is read now and stored while the next
// entry is read. Until then a placeholder keeps its place, so that what comes
// later in the archive wins.
func (a *archiveAdder) file(ctx context.Context, at string, fi FileInfo, content io.Reader) error {
	if fi.IsSymlink() {
		content = nil
	}
	if fi.Size > smallFile {
		c, err := a.w.WriteFile(ctx, fi, content)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		return a.putFile(at, c)
	}
	holder := a.placeholder()
	if err := a.putFile(at, holder); err != nil {
		return err
	}
	store, err := a.readSmall(fi, content)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	a.workers.run(func() error {
		c, err := store(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		return a.change(at, func() error { return a.tree.replaceFile(at, holder, c) })
	})
	return nil
}

// readSmall reads a file into memory and returns a function that stores it.
func (a *archiveAdder) readSmall(fi FileInfo, content io.Reader) (func(context.Context) (Checksum, error), error) {
	if content == nil {
		return func(ctx context.Context) (Checksum, error) { return a.w.WriteFile(ctx, fi, nil) }, nil
	}
	buffers := &a.w.repo.pools.buffers
	pooled := buffers.Get().(*[]byte)
	data := (*pooled)[:fi.Size]
	if _, err := io.ReadFull(content, data); err != nil {
		buffers.Put(pooled)
		return nil, noEOF(err)
	}
	return func(ctx context.Context) (Checksum, error) {
		defer buffers.Put(pooled)
		return a.w.writeBytes(ctx, fi, data)
	}, nil
}

// placeholder is a checksum that no object has.
func (a *archiveAdder) placeholder() Checksum {
	var c Checksum
	a.serial++
	for i := range 8 {
		c[i] = byte(a.serial >> (8 * i))
	}
	return c
}
