package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// overlayDeployment is the attribute by which libostree knows for which deployment's commit the upper directory
// of a state overlay was last put in order.
const overlayDeployment = "user.ostree.deploymentcsum"

// overlayOpaque hides a directory of the image behind one of the same name in the upper directory.
const overlayOpaque = "trusted.overlay.opaque"

// MountStateOverlay makes a directory of the running, read-only system writable, such as the /usr/lib/opt behind
// /opt, and keeps what is written there in /var/ostree/state-overlays/NAME: "ostree admin state-overlay", for
// ostree-state-overlay@.service.
//
// With another deployment than the last time, what the image has comes from the image again: local changes and
// removals of it are dropped, and only what was added stays. The error is [ErrNotBooted] when no deployment runs.
func (s *Sysroot) MountStateOverlay(ctx context.Context, name, dir string) error {
	if name == "" || strings.HasPrefix(name, ".") || strings.ContainsRune(name, '/') {
		return fmt.Errorf("state overlay %q: not a usable name; use one without slashes that does not begin with a dot", name)
	}
	st, err := s.load(ctx)
	if err != nil {
		return err
	}
	d := st.booted()
	if d == nil {
		return fmt.Errorf("state overlay %s: %w", name, ErrNotBooted)
	}
	lower := filepath.Join(s.opts.hostRoot(), dir)
	state := filepath.Join(s.opts.hostRoot(), "var/ostree/state-overlays", name)
	upper, work := filepath.Join(state, "upper"), filepath.Join(state, "work")
	for _, dir := range []string{upper, work} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("state overlay %s: %w", name, err)
		}
	}
	if err := refreshUpper(ctx, lower, upper, d.Checksum.String()); err != nil {
		return fmt.Errorf("state overlay %s: put what is kept of %s in order: %w", name, dir, err)
	}
	if err := s.mountOverlay(lower, upper, work, lower, false); err != nil {
		return fmt.Errorf("state overlay %s: %w", name, err)
	}
	return nil
}

// refreshUpper prunes an upper directory that belongs to another deployment. It can be repeated after a crash.
func refreshUpper(ctx context.Context, lower, upper, commit string) (err error) {
	was := make([]byte, 128)
	n, err := unix.Lgetxattr(upper, overlayDeployment, was)
	switch {
	case err == nil && string(was[:n]) == commit:
		return nil
	case err != nil && !errors.Is(err, unix.ENODATA):
		return &fs.PathError{Op: "getxattr", Path: upper, Err: err}
	}
	image, err := os.OpenRoot(lower)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, image.Close()) }()
	kept, err := os.OpenRoot(upper)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	if err := pruneUpper(ctx, image, kept, "."); err != nil {
		return err
	}
	if err := unix.Lsetxattr(upper, overlayDeployment, []byte(commit), 0); err != nil {
		return &fs.PathError{Op: "setxattr", Path: upper, Err: err}
	}
	return nil
}

// pruneUpper removes from a directory what the image has too, and whiteouts. Directories that both have stay, with
// what is added in them.
func pruneUpper(ctx context.Context, image, kept *os.Root, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := fs.ReadDir(kept.FS(), dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		info, err := image.Lstat(filepath.FromSlash(name))
		switch {
		case err != nil && !isMissing(err):
			return err
		case err == nil && info.IsDir() && e.IsDir():
			if err := showImage(kept, name); err != nil {
				return err
			}
			if err := pruneUpper(ctx, image, kept, name); err != nil {
				return err
			}
		case err == nil || e.Type()&fs.ModeCharDevice != 0: // A whiteout is a character device; others cannot be there.
			if err := kept.RemoveAll(filepath.FromSlash(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// showImage makes the directory of the image visible through one that hid it.
func showImage(kept *os.Root, name string) (err error) {
	f, err := kept.Open(filepath.FromSlash(name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := unix.Fremovexattr(int(f.Fd()), overlayOpaque); err != nil && !errors.Is(err, unix.ENODATA) {
		return &fs.PathError{Op: "removexattr", Path: name, Err: err}
	}
	return nil
}
