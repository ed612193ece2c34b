package ostree

import (
	"context"
	"io"
)

// Mode is like [Repo.Mode].
func (w *Writer) Mode() Mode { return w.store.mode }

// Has is like [Repo.Has].
func (w *Writer) Has(ctx context.Context, name ObjectName) (bool, error) {
	if err := w.begin(ctx); err != nil {
		return false, err
	}
	return w.store.has(name)
}

// LoadCommit is like [Repo.LoadCommit].
func (w *Writer) LoadCommit(ctx context.Context, c Checksum) (*Commit, error) {
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	return w.store.loadCommit(c)
}

// LoadDirTree is like [Repo.LoadDirTree].
func (w *Writer) LoadDirTree(ctx context.Context, c Checksum) (*DirTree, error) {
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	return w.store.loadDirTree(c)
}

// LoadDirMeta is like [Repo.LoadDirMeta].
func (w *Writer) LoadDirMeta(ctx context.Context, c Checksum) (DirMeta, error) {
	if err := w.begin(ctx); err != nil {
		return DirMeta{}, err
	}
	return w.store.loadDirMeta(c)
}

// FileInfo is like [Repo.FileInfo].
func (w *Writer) FileInfo(ctx context.Context, c Checksum) (FileInfo, error) {
	if err := w.begin(ctx); err != nil {
		return FileInfo{}, err
	}
	return w.store.fileInfo(c)
}

// OpenFile is like [Repo.OpenFile].
func (w *Writer) OpenFile(ctx context.Context, c Checksum) (FileInfo, io.ReadCloser, error) {
	if err := w.begin(ctx); err != nil {
		return FileInfo{}, nil, err
	}
	return w.store.openFile(c)
}
