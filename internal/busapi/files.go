package busapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/godbus/dbus/v5"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// fileKeys are the keys of a change whose values are paths of packages. Over the bus they are descriptors: the
// daemon opens no path that a caller names.
func fileKeys() []string { return nil }

func isFileKey(key string) bool { return slices.Contains(fileKeys(), key) }

// FileError says that a descriptor is not of a package.
type FileError struct {
	// Key is the key of the change, Index counts from 0.
	Key    string
	Index  int
	Reason string
}

func (e *FileError) Error() string { return fmt.Sprintf("%s: file %d: %s", e.Key, e.Index, e.Reason) }

// maxPackage is in bytes; dpkg's format ends somewhat above.
const maxPackage = 8 << 30

// nameFiles sets the keys that descriptors are for, so that they are asked permission for like all others.
func nameFiles(change *txn.Change, files map[string][]dbus.UnixFDIndex) error {
	for key, indexes := range files {
		if !isFileKey(key) {
			return &ArgumentError{key, "takes no file descriptors"}
		}
		names := make([]string, len(indexes))
		for i := range names {
			names[i] = "file " + strconv.Itoa(i)
		}
		if err := decodeDict(change, dict{key: dbus.MakeVariant(names)}); err != nil {
			return err
		}
	}
	return nil
}

// takeFiles moves the descriptors from the call to the request. Each is used once.
func (r *request) takeFiles(c *call, files map[string][]dbus.UnixFDIndex) error {
	r.files = map[string][]*os.File{}
	for key, indexes := range files {
		for i, index := range indexes {
			if int(index) >= len(c.files) || c.files[index] == nil {
				return &FileError{key, i, fmt.Sprintf("there is no descriptor %d among the %d that came", index, len(c.files))}
			}
			r.files[key] = append(r.files[key], c.files[index])
			c.files[index] = nil
		}
	}
	return nil
}

// receiveFiles copies the packages to where only the daemon writes, and has the change name the copies. The copies
// are removed by the function that is returned.
func (t *transaction) receiveFiles(ctx context.Context) (cleanup func(), err error) {
	cleanup = func() {}
	if len(t.files) == 0 {
		return cleanup, nil
	}
	dir, err := os.MkdirTemp(t.server.opts.CacheDir, "local-")
	if err != nil {
		return cleanup, err
	}
	cleanup = func() {
		if err := os.RemoveAll(dir); err != nil {
			t.server.log.Warn("packages of a caller stay", "error", err)
		}
	}
	for key, files := range t.files {
		var paths []string
		for i, f := range files {
			path := filepath.Join(dir, fmt.Sprintf("%s-%d.deb", key, i))
			if err := copyPackage(ctx, path, f); err != nil {
				cleanup()
				return func() {}, &FileError{key, i, err.Error()}
			}
			paths = append(paths, path)
		}
		if err := decodeDict(&t.change, dict{key: dbus.MakeVariant(paths)}); err != nil {
			cleanup()
			return func() {}, err
		}
	}
	return cleanup, nil
}

// copyPackage copies what is a package at the first look. The caller may still write to the file, and reading it may
// take for ever: so the copy is what counts, and the wait ends with ctx.
func copyPackage(ctx context.Context, path string, from *os.File) error {
	info, err := from.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("not a regular file (%s)", info.Mode().Type())
	}
	if info.Size() > maxPackage {
		return fmt.Errorf("%d bytes are too many", info.Size())
	}
	done := make(chan error, 1)
	go func() { done <- copyFile(path, io.NewSectionReader(from, 0, maxPackage)) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func copyFile(path string, from io.Reader) (err error) {
	magic := []byte("!<arch>\n")
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(from, head); err != nil || !bytes.Equal(head, magic) {
		return errors.New("not a Debian package")
	}
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	_, err = io.Copy(to, io.MultiReader(bytes.NewReader(head), from))
	return err
}
