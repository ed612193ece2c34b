package ostree

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// A localSource is a repository on this machine.
type localSource struct {
	p     *pull
	repo  *Repo
	links map[*store]bool // of which stores objects may be linked
	// checkCopies compares what is copied with its checksum, though what is
	// linked is trusted.
	checkCopies bool
}

func newLocalSource(p *pull, src *Repo) *localSource {
	l := &localSource{p: p, repo: src, links: make(map[*store]bool)}
	for s := src.store; s != nil; s = s.next {
		l.links[s] = mayLink(s, p.repo.store)
	}
	return l
}

// mayLink tells whether a link to a file of one store can be an object of the
// other: both are on one file system, and nobody else can change the file.
func mayLink(from, to *store) bool {
	a, err := fsx.StatAt(from.fd, "")
	if err != nil {
		return false
	}
	b, err := fsx.StatAt(to.fd, "")
	return err == nil && a.Dev == b.Dev && a.Uid == b.Uid
}

func (l *localSource) resolve(ctx context.Context, ref PullRef) (Checksum, error) {
	if ref.Collection != "" {
		return l.repo.ResolveCollectionRef(ctx, CollectionRef{ref.Collection, ref.Ref})
	}
	return l.repo.Resolve(ctx, ref.Ref)
}

func (l *localSource) meta(_ context.Context, n ObjectName, limit int64) ([]byte, error) {
	return l.repo.store.readMeta(n)
}

func (l *localSource) detached(_ context.Context, c Checksum, _ int64) ([]byte, bool, error) {
	data, err := l.repo.store.readMeta(ObjectName{c, ObjectCommitMeta})
	if errors.Is(err, ErrObjectNotFound) {
		return nil, false, nil
	}
	return data, err == nil, err
}

func (l *localSource) trusted() bool { return !l.p.opts.Untrusted }

func (l *localSource) tombstones() bool {
	value, _ := l.repo.ConfigValue("core", "tombstone-commits")
	return value == "true" || value == "1"
}

func (l *localSource) storeMeta(_ context.Context, n ObjectName, data []byte) error {
	l.p.stats.importedMeta.Add(1)
	linked, err := l.link(n)
	if linked || err != nil {
		return err
	}
	return l.p.w.putMetaAs(n, data)
}

func (l *localSource) storeFile(ctx context.Context, c Checksum) error {
	n := ObjectName{c, ObjectFile}
	if l.p.opts.Untrusted {
		if _, err := l.repo.store.verify(ctx, n); err != nil {
			return err
		}
	}
	if l.p.opts.BareUserOnlyFiles {
		fi, err := l.repo.store.fileInfo(c)
		if err == nil {
			err = checkBareUserOnlyMode(c, fi)
		}
		if err != nil {
			return err
		}
	}
	l.p.stats.importedContent.Add(1)
	linked, err := l.link(n)
	if linked && err == nil {
		return l.p.w.linkImported(ctx, n)
	}
	if err != nil {
		return err
	}
	return l.copy(ctx, n)
}

func (l *localSource) copy(ctx context.Context, n ObjectName) error {
	fi, content, err := l.repo.store.openFile(n.Checksum)
	if err != nil {
		return err
	}
	defer content.Close()
	return l.p.w.writeNamed(ctx, n, fi, content, l.checkCopies || l.p.opts.Untrusted)
}

// link stages a hard link to an object, if that is what a copy would look like.
// It tells whether it did.
func (l *localSource) link(n ObjectName) (linked bool, err error) {
	w := l.p.w
	err = l.repo.store.find(n, func(s *store, path string) error {
		ok, err := l.canLink(s, n, path)
		if !ok || err != nil {
			return err
		}
		if err := w.makeDir(n.Checksum[0]); err != nil {
			return err
		}
		err = fsx.LinkAt(s.fd, path, w.staging.fd, objectPath(n, w.store.mode))
		switch {
		case errors.Is(err, unix.EEXIST):
			linked = true
			return nil
		case isLinkRefused(err):
			return nil
		case err == nil:
			linked = true
			w.countLinked(n)
		}
		return err
	})
	return linked, err
}

// canLink tells whether a store keeps an object as the destination would.
// Metadata is the same in every mode. A file of a bare-user repository is one of
// a bare-user-only repository if it has nothing that the latter cannot keep.
func (l *localSource) canLink(s *store, n ObjectName, path string) (bool, error) {
	if !l.links[s] {
		return false, nil
	}
	to := l.p.w.store.mode
	if n.Type.IsMeta() || s.mode == to {
		return true, nil
	}
	if s.mode != ModeBareUser || to != ModeBareUserOnly {
		return false, nil
	}
	fi, content, err := s.openHere(n.Checksum, path)
	if err != nil {
		return false, err
	}
	if err := content.Close(); err != nil {
		return false, err
	}
	// The inode of a file that its owner must not read permits that all the same.
	return !fi.IsSymlink() && fi.Mode&unix.S_IRUSR != 0, checkBareUserOnly(n.Checksum, fi)
}

// countLinked counts a linked object as written.
func (w *Writer) countLinked(n ObjectName) {
	total, written := &w.stats.metadata, &w.stats.metadataWritten
	if n.Type == ObjectFile {
		total, written = &w.stats.content, &w.stats.contentWritten
	}
	total.Add(1)
	written.Add(1)
}
