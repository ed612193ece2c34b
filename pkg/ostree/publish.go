package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// publish moves what was staged into the repository and then changes refs.
// Before refs are changed everything they reach is on disk.
func (w *Writer) publish(ctx context.Context) error {
	refs, err := w.stageRefs(ctx)
	if err != nil {
		return err
	}
	if w.sync && (!w.each || len(w.staging.resumed) > 0) {
		if err := unix.Syncfs(w.repo.fd); err != nil {
			return fmt.Errorf("sync: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.publishObjects(); err != nil {
		return err
	}
	if err := w.publishRefs(refs); err != nil {
		return err
	}
	if err := w.publishComplete(); err != nil {
		return err
	}
	return w.repo.endLegacyTransaction()
}

// endLegacyTransaction removes the link by which old versions of libostree marked a
// transaction that was under way.
func (r *Repo) endLegacyTransaction() error {
	return ignoreNotExist(unlinkAt(r.fd, "transaction"))
}

// publishObjects moves all objects, then makes their names durable. Commits come
// last: after a crash no commit is there of which objects are still missing.
func (w *Writer) publishObjects() error {
	var commits stagedCommits
	whole, err := w.mayMoveDirs()
	if err != nil {
		return err
	}
	dirs := 0
	var group errgroup.Group
	group.SetLimit(8)
	for i := range w.made {
		if w.made[i].Load() {
			dirs++
			group.Go(func() error { return w.publishDir(fmt.Sprintf("%02x", i), whole, &commits) })
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, c := range commits.names {
		if err := w.publishCommit(c); err != nil {
			return fmt.Errorf("commit %s: %w", c, err)
		}
	}
	if dirs == 0 || !w.sync {
		return nil
	}
	if err := commits.syncDirs(w.repo.store.fd); err != nil {
		return err
	}
	return syncFD(w.repo.store.fd, "objects")
}

// publishDir moves the objects whose checksum begins with the given byte, with
// their directory if that may be, and notes the commits.
func (w *Writer) publishDir(name string, whole bool, commits *stagedCommits) error {
	from, err := fsx.OpenDirAt(w.staging.fd, name)
	if err != nil {
		return err
	}
	defer from.Close()
	if whole {
		if moved, err := w.moveDir(from, name); moved || err != nil {
			return err
		}
	}
	if err := makeObjectDir(w.repo.store.fd, name); err != nil {
		return err
	}
	to, err := fsx.OpenDirAt(w.repo.store.fd, name)
	if err != nil {
		return err
	}
	defer to.Close()
	if err := moveObjects(from, to, name, w.store.mode, commits); err != nil {
		return fmt.Errorf("objects/%s: %w", name, err)
	}
	if !w.sync {
		return nil
	}
	return syncFD(int(to.Fd()), "objects/"+name)
}

// moveObjects moves what is in a directory except commits.
func moveObjects(from, to *os.File, dir string, mode Mode, commits *stagedCommits) error {
	names, err := from.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		object, ok := parseObjectPath(dir, name, mode)
		if !ok {
			return fmt.Errorf("%s is not an object", name)
		}
		if object.Type == ObjectCommit {
			commits.add(object.Checksum)
			continue
		}
		if err := moveObject(int(from.Fd()), int(to.Fd()), name, object.Type); err != nil {
			return err
		}
	}
	return nil
}

// moveObject leaves an object alone that another process has published in the
// meantime; only detached metadata may change.
func moveObject(from, to int, name string, t ObjectType) error {
	if t == ObjectCommitMeta {
		return unix.Renameat(from, name, to, name)
	}
	err := renameNew(from, name, to, name)
	if errors.Is(err, fs.ErrExist) {
		return nil // the staged one goes with the staging directory
	}
	return err
}

func syncFD(fd int, path string) error {
	for {
		err := unix.Fsync(fd)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return &fs.PathError{Op: "fsync", Path: path, Err: err}
		}
	}
}
