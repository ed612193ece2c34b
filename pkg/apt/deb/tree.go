package deb

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// maxLinks bounds the symbolic links followed to create one directory, as in the kernel.
	maxLinks = 40
	// maxDatabase bounds the size of the tree's passwd and group files.
	maxDatabase = 16 << 20
)

// tree is a directory that paths are resolved in as if it were the root of the file system.
type tree struct {
	root int
	// dir is the directory that was used last, open.
	dir     int
	dirPath string
}

// openTree opens the directory root.
func openTree(root string) (*tree, error) {
	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: root, Err: err}
	}
	return &tree{root: fd, dir: -1}, nil
}

// Close closes the tree.
func (t *tree) Close() error {
	return errors.Join(t.forget(), unix.Close(t.root))
}

// forget closes the cached directory.
func (t *tree) forget() error {
	if t.dir < 0 {
		return nil
	}
	fd := t.dir
	t.dir = -1
	return unix.Close(fd)
}

// open opens a path inside the tree, following symbolic links as if the tree were the root.
func (t *tree) open(name string, flags int) (int, error) {
	how := &unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC),
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	for {
		fd, err := unix.Openat2(t.root, name, how)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			continue // something was renamed elsewhere in the system meanwhile
		}
		if errors.Is(err, unix.ENOSYS) {
			err = fmt.Errorf("openat2 is not available, Linux 5.6 or newer is needed: %w", err)
		}
		return fd, err
	}
}

// directory returns a descriptor of a directory, creating it and its parents if they are missing.
// It stays open until the next call only.
func (t *tree) directory(name string) (int, error) {
	if t.dir >= 0 && t.dirPath == name {
		return t.dir, nil
	}
	if err := t.forget(); err != nil {
		return -1, err
	}
	fd, err := t.ensure(name, maxLinks)
	if err != nil {
		return -1, err
	}
	t.dir, t.dirPath = fd, name
	return fd, nil
}

// isDirectory reports whether the path leads to a directory.
func (t *tree) isDirectory(name string) (bool, error) {
	fd, err := t.open(name, unix.O_PATH|unix.O_DIRECTORY)
	switch {
	case err == nil:
		return true, unix.Close(fd)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return false, nil
	}
	return false, err
}

// ensure opens a directory. A missing one is created; where a symbolic link leads to a missing one,
// that is created.
func (t *tree) ensure(name string, links int) (int, error) {
	fd, err := t.open(name, unix.O_PATH|unix.O_DIRECTORY)
	if err == nil || !errors.Is(err, unix.ENOENT) || name == "." {
		return fd, err
	}
	if links == 0 {
		return -1, unix.ELOOP
	}
	parent, err := t.ensure(path.Dir(name), links)
	if err != nil {
		return -1, err
	}
	target := name
	err = unix.Mkdirat(parent, path.Base(name), 0o755)
	if errors.Is(err, unix.EEXIST) {
		target, err = readLink(parent, path.Base(name))
		if !path.IsAbs(target) {
			target = path.Join("/", path.Dir(name), target)
		}
		target = "." + path.Clean(target)
	}
	if err := errors.Join(err, unix.Close(parent)); err != nil {
		return -1, err
	}
	return t.ensure(path.Clean(target), links-1)
}

// readLink returns the target of a symbolic link.
func readLink(dir int, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, name, buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// names reads a passwd(5) or group(5) file: the third field by the first. A missing file is empty.
func (t *tree) names(file string) (ids map[string]int, err error) {
	fd, err := t.open(file, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read /%s: %w", file, err)
	}
	f := os.NewFile(uintptr(fd), file)
	ids = map[string]int{}
	s := bufio.NewScanner(io.LimitReader(f, maxDatabase))
	for s.Scan() {
		fields := strings.SplitN(s.Text(), ":", 4)
		if len(fields) < 4 {
			continue
		}
		if id, err := strconv.ParseUint(fields[2], 10, 32); err == nil && id <= maxID {
			ids[fields[0]] = int(id)
		}
	}
	return ids, errors.Join(s.Err(), f.Close())
}
