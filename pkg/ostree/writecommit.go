package ostree

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// WriteCommit stores a commit and returns its checksum. Its tree must exist,
// usually because [Writer.WriteTree] has just written it.
func (w *Writer) WriteCommit(ctx context.Context, commit Commit) (Checksum, error) {
	if err := w.begin(ctx); err != nil {
		return Checksum{}, err
	}
	data, err := encodeCommit(commit)
	if err != nil {
		return Checksum{}, fmt.Errorf("write commit: %w", err)
	}
	for _, name := range []ObjectName{{commit.Tree.Contents, ObjectDirTree}, {commit.Tree.Meta, ObjectDirMeta}} {
		if err := w.need(name); err != nil {
			return Checksum{}, fmt.Errorf("write commit: its tree: %w", err)
		}
	}
	return w.putMeta(ObjectCommit, data)
}

// need gives an error if an object does not exist.
func (w *Writer) need(name ObjectName) error {
	ok, err := w.store.has(name)
	if err == nil && !ok {
		err = &ObjectNotFoundError{Object: name}
	}
	return err
}

// WriteDetachedMetadata replaces what is attached to a commit. Nil removes it.
func (w *Writer) WriteDetachedMetadata(ctx context.Context, commit Checksum, m Metadata) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	if err := m.check(); err != nil {
		return fmt.Errorf("detached metadata of %s: %w", commit, err)
	}
	// An empty file, not a missing one, means none: mirrors cannot copy a deletion.
	var data []byte
	if len(m) > 0 {
		data = m.encode().Data()
	}
	if err := w.putDetached(commit, data); err != nil {
		return fmt.Errorf("detached metadata of %s: %w", commit, err)
	}
	return nil
}

// putDetached stores the bytes of a commitmeta object. It is the one object that
// may change, so an older version goes first.
func (w *Writer) putDetached(commit Checksum, data []byte) error {
	if _, err := decodeDetached(data); err != nil {
		return err
	}
	name := ObjectName{commit, ObjectCommitMeta}
	err := unix.Unlinkat(w.staging.fd, objectPath(name, w.store.mode), 0)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return err
	}
	w.stats.metadata.Add(1)
	if _, err := w.stageBytes(name, data); err != nil {
		return err
	}
	w.stats.metadataWritten.Add(1)
	return nil
}
