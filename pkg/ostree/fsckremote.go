package ostree

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
)

// RepairFromRemote mends a repository from a remote of it, for
// [FsckOptions].Repair. Close is to be called when the check is over. Objects need
// no signature: their checksums are known.
func (r *Repo) RepairFromRemote(ctx context.Context, remote string, o FetchOptions) (repair RepairFunc, closeRemote func() error, err error) {
	config, err := r.Remote(remote)
	if err != nil {
		return nil, nil, err
	}
	if dir, ok := config.isLocal(); ok && o.URL == "" {
		src, err := Open(dir, Options{})
		if err != nil {
			return nil, nil, fmt.Errorf("repair from remote %s: %w", remote, err)
		}
		return RepairFrom(src), src.Close, nil
	}
	if err := config.pullable(); err != nil {
		return nil, nil, err
	}
	session, err := r.openRemote(ctx, config, o)
	if err != nil {
		return nil, nil, fmt.Errorf("repair from remote %s: %w", remote, err)
	}
	return session.repair, func() error { session.Close(); return nil }, nil
}

// repair fetches one object. A server that has none, or a wrong one, is no help
// with this object, but may be with the next.
func (s *remoteSession) repair(ctx context.Context, w *Writer, n ObjectName) error {
	path := "objects/" + objectPath(n, ModeArchive)
	var err error
	if n.Type == ObjectFile {
		err = s.repairFile(ctx, w, n, path)
	} else {
		err = s.repairMeta(ctx, w, n, path)
	}
	_, isCorrupt := errors.AsType[*CorruptError](err)
	if isCorrupt || errors.Is(err, fetch.ErrNotFound) {
		return errors.Join(&ObjectNotFoundError{Object: n}, err)
	}
	return err
}

func (s *remoteSession) repairMeta(ctx context.Context, w *Writer, n ObjectName, path string) error {
	data, _, err := s.content.ReadAll(ctx, path, fetch.GetOptions{MaxSize: maxMetadataSize, Immutable: true})
	if err != nil {
		return err
	}
	if err := sameChecksum(n, sha256.Sum256(data)); err != nil {
		return err
	}
	if err := checkMetadata(n, data); err != nil {
		return err
	}
	return w.putMetaAs(n, data)
}

func (s *remoteSession) repairFile(ctx context.Context, w *Writer, n ObjectName, path string) (err error) {
	response, err := s.content.Get(ctx, path, fetch.GetOptions{Immutable: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	t, err := w.newTemp()
	if err != nil {
		return err
	}
	defer func() { err = t.abandon(err) }()
	size, err := copyBuffer(ctx, t, response.Body, w.repo.pools, w.space)
	defer w.space.give(size)
	if err != nil {
		return err
	}
	if _, err := t.Seek(0, io.SeekStart); err != nil {
		return err
	}
	fi, inflated, err := newArchiveReader(t.File, w.repo.pools)
	if err != nil {
		return err
	}
	defer inflated.release()
	content := io.Reader(noContent())
	if !fi.IsSymlink() {
		content = inflated
	}
	return w.writeNamed(ctx, n, fi, content, true)
}
