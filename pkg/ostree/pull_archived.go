package ostree

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/inflate"
)

// fileChecks are what is asked of files before they are stored.
type fileChecks struct {
	content      bool // compare it with its checksum
	bareUserOnly bool // refuse modes that such a repository does not keep
}

// fileChecks are those for files that come over a network.
func (p *pull) fileChecks() fileChecks {
	checks := fileChecks{content: true, bareUserOnly: p.opts.BareUserOnlyFiles}
	if p.opts.HTTPTrusted && !p.opts.Untrusted && p.opts.Mirror && !checks.bareUserOnly {
		checks.content = p.w.store.mode != ModeArchive
	}
	return checks
}

// writeArchived stores a file object that comes in the form that archives have.
// An archive keeps the bytes as they come.
func (w *Writer) writeArchived(ctx context.Context, name ObjectName, r io.Reader, checks fileChecks) error {
	if w.store.mode == ModeArchive {
		return w.keepArchived(ctx, name, r, checks)
	}
	in := w.repo.pools.archived(r)
	defer in.release()
	fi, err := in.header(name, checks)
	if err != nil {
		return err
	}
	return w.writeNamed(ctx, name, fi, in, checks.content)
}

// keepArchived writes what comes while it is decompressed and hashed beside that.
func (w *Writer) keepArchived(ctx context.Context, name ObjectName, r io.Reader, checks fileChecks) error {
	w.stats.content.Add(1)
	pooled := w.repo.pools.buffers.Get().(*[]byte)
	defer w.repo.pools.buffers.Put(pooled)
	n, err := readFull(r, *pooled)
	switch {
	case atEnd(err):
		return w.keepSmall(ctx, name, (*pooled)[:n], checks)
	case err != nil:
		return err
	}
	return w.keepLarge(ctx, name, io.MultiReader(bytes.NewReader(*pooled), r), checks)
}

// keepSmall stores a file that is in memory: nothing is created for one that is wrong.
func (w *Writer) keepSmall(ctx context.Context, name ObjectName, data []byte, checks fileChecks) error {
	size, err := w.checkArchived(ctx, name, bytes.NewReader(data), checks)
	if err != nil {
		return err
	}
	if err := w.space.take(int64(len(data))); err != nil {
		return objectError(name, err)
	}
	created, err := w.stageBytes(name, data)
	return w.kept(name, int64(len(data)), size, created, err)
}

func (w *Writer) keepLarge(ctx context.Context, name ObjectName, r io.Reader, checks fileChecks) error {
	t, err := w.newTemp()
	if err != nil {
		return err
	}
	raw := &spaceWriter{w: t, space: w.space}
	size, err := w.checkArchived(ctx, name, io.TeeReader(r, raw), checks)
	if err == nil {
		err = t.Chmod(0o644)
	}
	if err != nil {
		w.space.give(raw.size)
		return t.abandon(err)
	}
	created, err := t.stage(name)
	return w.kept(name, raw.size, size, created, err)
}

// kept counts what was staged.
func (w *Writer) kept(name ObjectName, stored, size int64, created bool, err error) error {
	switch {
	case err != nil:
		w.space.give(stored)
		return objectError(name, err)
	case created:
		w.stats.contentWritten.Add(1)
		w.stats.contentBytes.Add(size)
	default:
		w.space.give(stored)
	}
	return nil
}

// checkArchived reads a file object to its end and returns the size of its
// content. One that is trusted is read without being looked at.
func (w *Writer) checkArchived(ctx context.Context, name ObjectName, r io.Reader, checks fileChecks) (int64, error) {
	if !checks.content && !checks.bareUserOnly {
		return copyBuffer(ctx, io.Discard, r, w.repo.pools, nil)
	}
	in := w.repo.pools.archived(r)
	defer in.release()
	fi, err := in.header(name, checks)
	if err != nil {
		return 0, err
	}
	h := hashHeader(fi)
	size, err := copyBuffer(ctx, h, in, w.repo.pools, nil)
	if err != nil {
		return size, err
	}
	return size, sameChecksum(name, sumOf(h))
}

// A spaceWriter counts free space as it writes.
type spaceWriter struct {
	w     io.Writer
	space *space
	size  int64
}

// Write implements io.Writer.
func (s *spaceWriter) Write(p []byte) (int, error) {
	if err := s.space.take(int64(len(p))); err != nil {
		return 0, err
	}
	s.size += int64(len(p))
	return s.w.Write(p)
}

// An archivedReader decompresses a file object in the form that archives have,
// which may come from anywhere. After the end nothing may follow.
type archivedReader struct {
	pools   *pools
	in      *bufio.Reader
	inflate *inflate.Reader
	name    ObjectName
	left    int64
}

func (p *pools) archived(r io.Reader) *archivedReader {
	a := p.archives.Get().(*archivedReader)
	a.in.Reset(r)
	return a
}

func newArchivedReader(p *pools) *archivedReader {
	return &archivedReader{pools: p, in: bufio.NewReaderSize(nil, inflateBuffer), inflate: inflate.NewReader()}
}

func (a *archivedReader) release() {
	a.in.Reset(nil)
	a.pools.archives.Put(a)
}

// header reads what stands before the content.
func (a *archivedReader) header(name ObjectName, checks fileChecks) (FileInfo, error) {
	a.name = name
	fi, err := readArchiveHeader(a.in)
	if err != nil {
		return fi, a.corrupt(err)
	}
	if checks.bareUserOnly {
		if err := checkBareUserOnlyMode(name.Checksum, fi); err != nil {
			return fi, err
		}
	}
	a.left = fi.Size
	if fi.IsSymlink() {
		a.left = -1
		return fi, a.ends()
	}
	a.inflate.Reset(a.in)
	return fi, nil
}

// Read implements io.Reader.
func (a *archivedReader) Read(p []byte) (int, error) {
	if a.left < 0 {
		return 0, io.EOF
	}
	n, err := a.inflate.Read(p)
	a.left -= int64(n)
	switch {
	case a.left < 0:
		return 0, a.corrupt(errors.New("more content than its header says"))
	case atEnd(err) && a.left > 0:
		return n, a.corrupt(fmt.Errorf("%d bytes less than its header says", a.left))
	case atEnd(err):
		if end := a.ends(); end != nil {
			return n, end
		}
		return n, io.EOF
	}
	return n, a.corrupt(err)
}

func (a *archivedReader) ends() error {
	_, err := a.in.ReadByte()
	switch {
	case atEnd(err):
		return nil
	case err != nil:
		return err
	}
	return a.corrupt(errors.New("something follows its end"))
}

// corrupt tells errors of the form from those of the connection.
func (a *archivedReader) corrupt(err error) error {
	var failed *fetch.Error
	if errors.As(err, &failed) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return corrupt(a.name.String(), err)
}
