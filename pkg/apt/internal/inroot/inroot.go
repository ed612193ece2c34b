// Package inroot reads the configuration files of a root file system that need not be the running
// one: symlinks lead where they would lead in it.
package inroot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// maxFile bounds what is read: keyrings and lists of sources are far smaller.
const maxFile = 16 << 20

// ReadFile returns the content of the regular file at path, which is taken from root even if it is
// absolute. A missing file or root is an [fs.ErrNotExist].
func ReadFile(root, path string) ([]byte, error) {
	f, err := open(root, path, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("larger than %d bytes", maxFile)}
	}
	return data, nil
}

// ReadDir returns the sorted names in a directory; none if it or root does not exist.
func ReadDir(root, path string) ([]string, error) {
	f, err := open(root, path, unix.O_RDONLY|unix.O_DIRECTORY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// Parts returns the paths of the files in a directory like /etc/apt/sources.list.d, sorted by name,
// that apt reads: those with one of the extensions ("" for none) and a name of letters, digits, "_",
// "-" and "." that does not begin with ".". None if the directory or root does not exist.
func Parts(root, dir string, extensions ...string) ([]string, error) {
	names, err := ReadDir(root, dir)
	if err != nil {
		return nil, err
	}
	var parts []string
	for _, name := range names {
		if slices.Contains(extensions, path.Ext(name)) && acceptable(name) {
			parts = append(parts, path.Join(dir, name))
		}
	}
	return parts, nil
}

func acceptable(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '_' && c != '-' && c != '.' || i == 0 && c == '.' {
			return false
		}
	}
	return true
}

func open(root, path string, flags int) (fs.ReadDirFile, error) {
	dir, err := fsx.OpenDir(root)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return fsx.OpenInRoot(int(dir.Fd()), path, flags, 0)
}

// Stat describes the file or directory at path, which is taken from root even if it is absolute, behind
// symbolic links.
func Stat(root, path string) (fs.FileInfo, error) {
	f, err := open(root, path, unix.O_PATH)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}
