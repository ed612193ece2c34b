package ostree

import (
	"context"
	"io"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// Has reports whether the repository or one of its parents holds an object.
func (r *Repo) Has(ctx context.Context, name ObjectName) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	return r.store.has(name)
}

// LoadCommit reads a commit object.
func (r *Repo) LoadCommit(ctx context.Context, c Checksum) (*Commit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r.store.loadCommit(c)
}

// LoadDirTree reads a dirtree object.
func (r *Repo) LoadDirTree(ctx context.Context, c Checksum) (*DirTree, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r.store.loadDirTree(c)
}

// LoadDirMeta reads a dirmeta object.
func (r *Repo) LoadDirMeta(ctx context.Context, c Checksum) (DirMeta, error) {
	if err := ctx.Err(); err != nil {
		return DirMeta{}, err
	}
	return r.store.loadDirMeta(c)
}

// FileInfo describes a file object without reading its content.
func (r *Repo) FileInfo(ctx context.Context, c Checksum) (FileInfo, error) {
	if err := ctx.Err(); err != nil {
		return FileInfo{}, err
	}
	return r.store.fileInfo(c)
}

// OpenFile describes a file object and opens its content, which the caller must
// close. A symbolic link has no content. The content is not checked against c.
func (r *Repo) OpenFile(ctx context.Context, c Checksum) (FileInfo, io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return FileInfo{}, nil, err
	}
	return r.store.openFile(c)
}

// DetachedMetadata reads what is attached to a commit without being part of its
// checksum, such as signatures. It is nil when there is none.
func (r *Repo) DetachedMetadata(ctx context.Context, c Checksum) (Metadata, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r.store.detached(c)
}

// decodeDetached reads a commitmeta object. An empty file means none.
func decodeDetached(data []byte) (Metadata, error) {
	if len(data) == 0 {
		return nil, nil
	}
	v, err := gvariant.Parse("a{sv}", data)
	if err != nil {
		return nil, err
	}
	return decodeMetadata(v)
}
