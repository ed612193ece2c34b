package ostree

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"time"
)

// ExportOptions say how [Repo.ExportTar] writes an archive. The zero value writes
// the whole tree.
type ExportOptions struct {
	// Subpath exports only what is there, a directory or a single file.
	Subpath string
	// Prefix stands before every path; a directory must end with a slash.
	Prefix string
	// NoXattrs leaves extended attributes out.
	NoXattrs bool
	// NoHardlinks writes files with the same content and metadata in full each
	// time. Otherwise each but the first is a hard link, unless it is empty.
	NoHardlinks bool
}

// ExportTar writes the tree of a commit as a tar archive. All entries have the
// time of the commit, files of a directory come before its directories, both
// sorted by name: the same commit always gives the same bytes. The format is that
// of GNU, and pax for entries with extended attributes, in SCHILY.xattr records.
func (r *Repo) ExportTar(ctx context.Context, c Checksum, w io.Writer, opts ExportOptions) error {
	if err := r.exportTar(ctx, c, w, opts); err != nil {
		return fmt.Errorf("export commit %s: %w", c, err)
	}
	return nil
}

func (r *Repo) exportTar(ctx context.Context, c Checksum, w io.Writer, opts ExportOptions) error {
	commit, err := r.LoadCommit(ctx, c)
	if err != nil {
		return err
	}
	tree, err := r.LoadTree(ctx, commit.Tree)
	if err != nil {
		return err
	}
	e := &exporter{
		ctx: ctx, store: r.store, opts: opts, time: commit.Timestamp,
		tar: tar.NewWriter(w), names: make(map[Checksum]string), buf: make([]byte, smallFile),
	}
	n, file, err := tree.find(opts.Subpath)
	switch {
	case err != nil:
		return pathError("export", opts.Subpath, err)
	case n == nil:
		err = e.file(opts.Prefix+path.Base(clean(opts.Subpath)), file.file)
	default:
		err = e.directory(opts.Prefix, n)
	}
	if err != nil {
		return err
	}
	return e.tar.Close()
}

type exporter struct {
	ctx   context.Context //nolint:containedctx // lives as long as one call of ExportTar
	store *store
	opts  ExportOptions
	time  time.Time
	tar   *tar.Writer
	names map[Checksum]string // where an object was written
	buf   []byte
}

// directory writes a directory; its name ends with a slash or is empty.
func (e *exporter) directory(name string, n *node) error {
	if err := errors.Join(n.load(), n.loadMeta()); err != nil {
		return err
	}
	own := name
	if own == "" {
		own = "./"
	}
	h := e.header(own, tar.TypeDir, n.meta.UID, n.meta.GID, n.meta.Mode, n.meta.Xattrs)
	if err := e.tar.WriteHeader(h); err != nil {
		return err
	}
	for _, c := range n.children {
		if c.dir != nil {
			continue
		}
		if err := e.file(name+c.name, c.file); err != nil {
			return fmt.Errorf("%s: %w", name+c.name, err)
		}
	}
	for _, c := range n.children {
		if c.dir == nil {
			continue
		}
		if err := e.directory(name+c.name+"/", c.dir); err != nil {
			return err
		}
	}
	return nil
}

func (e *exporter) header(name string, kind byte, uid, gid, mode uint32, xattrs []Xattr) *tar.Header {
	h := &tar.Header{
		Typeflag: kind, Name: name, Uid: int(uid), Gid: int(gid), Mode: int64(mode & 0o7777), ModTime: e.time, Format: tar.FormatGNU,
	}
	if e.opts.NoXattrs || len(xattrs) == 0 {
		return h
	}
	h.Format, h.PAXRecords = tar.FormatPAX, make(map[string]string, len(xattrs))
	for _, x := range xattrs {
		h.PAXRecords["SCHILY.xattr."+x.Name] = string(x.Value)
	}
	return h
}

func (e *exporter) file(name string, c Checksum) error {
	if err := e.ctx.Err(); err != nil {
		return err
	}
	fi, content, err := e.store.openFile(c)
	if err != nil {
		return err
	}
	defer content.Close()
	h := e.header(name, tar.TypeReg, fi.UID, fi.GID, fi.Mode, fi.Xattrs)
	first, seen := e.names[c]
	switch {
	case fi.IsSymlink():
		h.Typeflag, h.Linkname = tar.TypeSymlink, fi.Target
	case seen:
		h.Typeflag, h.Linkname, h.PAXRecords, h.Format = tar.TypeLink, first, nil, tar.FormatGNU
	default:
		h.Size = fi.Size
		if fi.Size > 0 && !e.opts.NoHardlinks {
			e.names[c] = name
		}
	}
	if err := e.tar.WriteHeader(h); err != nil {
		return err
	}
	if h.Size == 0 {
		return nil
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{e.tar}, struct{ io.Reader }{content}, e.buf)
	return err
}
