package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// resolveTargets returns spec with every mount target as a path without
// symbolic links. The tree is not trusted: a link in it to an absolute path
// must lead to a place in the tree, and the jail, which mounts from outside of
// it, would follow the link out.
func resolveTargets(spec Spec) (Spec, error) {
	root, err := openRoot(spec.Root)
	if err != nil {
		return spec, err
	}
	defer unix.Close(root.fd) //nolint:errcheck // an O_PATH descriptor: nothing to lose
	if err := root.ensureBuiltins(spec.ReadOnlyRoot); err != nil {
		return spec, err
	}
	mounts := make([]Mount, len(spec.Mounts))
	for i, m := range spec.Mounts {
		if m.Target, err = root.resolveMount(m.Target); err != nil {
			return spec, err
		}
		mounts[i] = m
	}
	spec.Mounts = mounts
	return spec, nil
}

// A treeRoot is an open tree.
type treeRoot struct {
	name string // as the caller calls it
	path string // as the kernel calls it
	fd   int
}

func openRoot(name string) (*treeRoot, error) {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open tree", Path: name, Err: err}
	}
	real, err := pathOf(fd)
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &treeRoot{name: name, path: real, fd: fd}, nil
}

// ensureBuiltins makes the directories the jail mounts on. A link in their
// place is refused, because the jail is told their literal names.
func (r *treeRoot) ensureBuiltins(readOnly bool) error {
	targets := builtinTargets()
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		if err := r.ensureDir(name, targets[name], readOnly); err != nil {
			return err
		}
	}
	return nil
}

func (r *treeRoot) ensureDir(name string, mode fs.FileMode, readOnly bool) error {
	var st unix.Stat_t
	relative := strings.TrimPrefix(name, "/")
	err := unix.Fstatat(r.fd, relative, &st, unix.AT_SYMLINK_NOFOLLOW)
	switch {
	case err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return nil
	case err == nil:
		return fmt.Errorf("tree %s: %s is not a directory, nothing can be mounted there", r.name, name)
	case !errors.Is(err, unix.ENOENT):
		return &fs.PathError{Op: "stat", Path: r.name + name, Err: err}
	case readOnly:
		return fmt.Errorf("tree %s: there is no %s, and it cannot be made in a read-only tree: %w", r.name, name, fs.ErrNotExist)
	}
	err = unix.Mkdirat(r.fd, relative, 0o700)
	if errors.Is(err, unix.EEXIST) {
		return nil // by another run in the same tree
	}
	if err != nil {
		return &fs.PathError{Op: "mkdir", Path: r.name + name, Err: err}
	}
	// By descriptor and after the fact, because of the caller's umask.
	if err := os.Chmod(path.Join(fdPath(r.fd), relative), mode); err != nil {
		return err
	}
	return nil
}

// resolveMount follows target inside the tree. What lies below a directory
// that the jail mounts itself is left as it is: it does not exist yet, and the
// tree cannot have put a link there.
func (r *treeRoot) resolveMount(target string) (string, error) {
	target = path.Clean(target)
	for builtin := range builtinTargets() {
		if strings.HasPrefix(target, builtin+"/") {
			return target, nil
		}
	}
	file, err := fsx.OpenHow(r.fd, target, unix.O_PATH, 0, unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_MAGICLINKS)
	if err != nil {
		return "", fmt.Errorf("mount over %s in tree %s: %w", target, r.name, err)
	}
	defer file.Close()
	real, err := pathOf(int(file.Fd()))
	if err != nil {
		return "", err
	}
	inside := strings.TrimPrefix(real, strings.TrimSuffix(r.path, "/"))
	if !strings.HasPrefix(inside, "/") {
		return "", fmt.Errorf("mount over %s in tree %s: leads to %s", target, r.name, real)
	}
	return inside, nil
}

func pathOf(fd int) (string, error) { return os.Readlink(fdPath(fd)) }

func fdPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
