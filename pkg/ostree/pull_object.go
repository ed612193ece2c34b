package ostree

import (
	"bytes"
	"context"
	"fmt"
	"hash"
	"io"

	"golang.org/x/sys/unix"
)

// A FileModeError says that a ModeBareUserOnly repository could not keep a file,
// and that such a repository is the destination or was asked to be imitated.
type FileModeError struct {
	File  Checksum
	Mode  uint32 // of the file, with the type bits
	Extra uint32 // the bits that are the reason; 0 if owner or attributes are
}

// Error implements error.
func (e *FileModeError) Error() string {
	if e.Extra == 0 {
		return fmt.Sprintf("file object %s: a %s repository keeps neither owners nor extended attributes", e.File, ModeBareUserOnly)
	}
	return fmt.Sprintf("file object %s: a %s repository does not keep the bits %#o of mode %#o", e.File, ModeBareUserOnly, e.Extra, e.Mode)
}

// checkBareUserOnly refuses what a bare-user-only repository could not give back.
func checkBareUserOnly(c Checksum, fi FileInfo) error {
	if fi.UID != 0 || fi.GID != 0 || len(fi.Xattrs) > 0 {
		return &FileModeError{File: c, Mode: fi.Mode}
	}
	return checkBareUserOnlyMode(c, fi)
}

// checkBareUserOnlyMode looks at the mode alone, as a pull with
// BareUserOnlyFiles does into repositories that keep the rest.
func checkBareUserOnlyMode(c Checksum, fi FileInfo) error {
	if extra := fi.Mode &^ (unix.S_IFREG | 0o775); extra != 0 && !fi.IsSymlink() {
		return &FileModeError{File: c, Mode: fi.Mode, Extra: extra}
	}
	return nil
}

// writeNamed stores a file object under its name. If check is set, content with
// another checksum is refused and leaves nothing behind.
func (w *Writer) writeNamed(ctx context.Context, name ObjectName, fi FileInfo, content io.Reader, check bool) error {
	fi, err := prepareFileInfo(fi)
	if err != nil {
		return &CorruptError{What: name.String(), Err: err}
	}
	if w.store.mode == ModeBareUserOnly {
		if err := checkBareUserOnly(name.Checksum, fi); err != nil {
			return err
		}
	}
	w.stats.content.Add(1)
	n := namedWrite{w: w, name: name, fi: fi}
	if check {
		n.hash = hashHeader(fi)
	}
	if fi.IsSymlink() {
		return n.symlink()
	}
	pooled := w.repo.pools.buffers.Get().(*[]byte)
	defer w.repo.pools.buffers.Put(pooled)
	length, err := readFull(content, *pooled)
	switch {
	case atEnd(err):
		return n.small(ctx, (*pooled)[:length])
	case err != nil:
		return err
	}
	return n.large(ctx, io.MultiReader(bytes.NewReader(*pooled), content))
}

// A namedWrite is one call of writeNamed.
type namedWrite struct {
	w    *Writer
	name ObjectName
	fi   FileInfo
	hash hash.Hash // nil if the content is trusted
}

func (n *namedWrite) check() error {
	if n.hash == nil {
		return nil
	}
	return sameChecksum(n.name, sumOf(n.hash))
}

func (n *namedWrite) symlink() error {
	if err := n.check(); err != nil {
		return err
	}
	created, err := n.w.stageSymlink(n.name, n.fi)
	return n.finish(created, err)
}

// small stores a file that is in memory: nothing is created for one that is wrong.
func (n *namedWrite) small(ctx context.Context, data []byte) error {
	if n.hash != nil {
		n.hash.Write(data)
	}
	if err := n.check(); err != nil {
		return err
	}
	n.fi.Size = int64(len(data))
	if err := n.w.space.take(n.fi.Size); err != nil {
		return objectError(n.name, err)
	}
	created, err := n.w.stageSmall(ctx, n.name, n.fi, data)
	return n.finish(created, err)
}

func (n *namedWrite) large(ctx context.Context, content io.Reader) error {
	f, err := n.w.newContentTemp(n.fi)
	if err != nil {
		return err
	}
	var dst io.Writer = f
	if n.hash != nil {
		dst = io.MultiWriter(n.hash, f)
	}
	size, err := copyBuffer(ctx, dst, content, n.w.repo.pools, n.w.space)
	if err == nil {
		err = n.check()
	}
	if err != nil {
		n.w.space.give(size)
		return f.abandon(err)
	}
	n.fi.Size = size
	created, err := f.stageContent(ctx, n.name, n.fi)
	return n.finish(created, err)
}

func (n *namedWrite) finish(created bool, err error) error {
	_, err = n.w.finish(n.name, n.fi, created, err)
	return err
}
