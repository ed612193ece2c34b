package ostree

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// replaceObjects is an update that puts what fn writes in the place of objects
// that exist, which the Writer does not see. It is called with the lock held.
func (r *Repo) replaceObjects(ctx context.Context, fn func(*Writer) error) (err error) {
	w, err := newWriter(ctx, r, UpdateOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.discard(false)) }()
	w.store.next = nil
	if err := fn(w); err != nil {
		return err
	}
	if w.sync {
		if err := unix.Syncfs(r.fd); err != nil {
			return fmt.Errorf("sync: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range w.made {
		if !w.made[i].Load() {
			continue
		}
		if err := w.replaceDir(fmt.Sprintf("%02x", i)); err != nil {
			return err
		}
	}
	return nil
}

// replaceDir moves what was staged over what is there.
func (w *Writer) replaceDir(name string) error {
	names, err := readNames(w.staging.fd, name)
	if err != nil {
		return err
	}
	if err := makeObjectDir(w.repo.store.fd, name); err != nil {
		return err
	}
	for _, file := range names {
		path := name + "/" + file
		if err := unix.Renameat(w.staging.fd, path, w.repo.store.fd, path); err != nil {
			return &os.LinkError{Op: "rename", Old: w.staging.name + "/" + path, New: path, Err: err}
		}
	}
	if !w.sync {
		return nil
	}
	d, err := fsx.OpenDirAt(w.repo.store.fd, name)
	if err != nil {
		return err
	}
	return errors.Join(syncFD(int(d.Fd()), "objects/"+name), d.Close())
}
