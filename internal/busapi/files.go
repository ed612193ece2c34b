package busapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/godbus/dbus/v5"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// Keys of a change whose values are packages from files. Over the bus they are descriptors: the daemon opens no path
// that a caller names.
const (
	InstallLocal         = "install-local"
	OverrideReplaceLocal = "override-replace-local"
)

func isFileKey(key string) bool {
	return slices.Contains([]string{InstallLocal, OverrideReplaceLocal}, key)
}

// FileError says that a descriptor is not of a package.
type FileError struct {
	// Key is the key of the change, Index counts from 0.
	Key   string
	Index int
	Err   error
}

func (e *FileError) Error() string { return fmt.Sprintf("%s: file %d: %v", e.Key, e.Index, e.Err) }

// Unwrap gives the reason.
func (e *FileError) Unwrap() error { return e.Err }

// maxPackage is in bytes; a member of a package has no more digits for its size.
const maxPackage = 10 << 30

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
				return &ArgumentError{key, fmt.Sprintf("file %d: there is no descriptor %d among the %d that came", i, index, len(c.files))}
			}
			r.files[key] = append(r.files[key], c.files[index])
			c.files[index] = nil
		}
	}
	return nil
}

// receiveFiles makes the packages known to the system, and has the change name them.
func (t *transaction) receiveFiles(ctx context.Context, system *txn.System) error {
	for key, files := range t.files {
		var ids []string
		for i, f := range files {
			id, err := receiveFile(ctx, system, f)
			if err != nil {
				return &FileError{key, i, err}
			}
			ids = append(ids, id)
		}
		if err := decodeDict(&t.change, dict{key: dbus.MakeVariant(ids)}); err != nil {
			return err
		}
	}
	return nil
}

func receiveFile(ctx context.Context, system *txn.System, f *os.File) (string, error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", &os.PathError{Op: "read", Path: "what is no regular file", Err: errors.ErrUnsupported}
	case info.Size() > maxPackage:
		return "", fmt.Errorf("%d bytes are too many", info.Size())
	}
	content := io.NewSectionReader(f, 0, maxPackage)
	magic := []byte("!<arch>\n")
	head := make([]byte, len(magic))
	if n, err := content.ReadAt(head, 0); err != nil || !bytes.Equal(head[:n], magic) {
		return "", errors.New("not a Debian package")
	}
	return system.AddLocal(ctx, &patientReader{ctx, content})
}

// patientReader reads what may never come, such as a file of a file system that a caller serves: it waits until ctx
// is done.
type patientReader struct {
	ctx  context.Context //nolint:containedctx // of one read after another
	from io.Reader
}

func (r *patientReader) Read(p []byte) (int, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data := make([]byte, min(len(p), 1<<20)) // p belongs to the one who may give up
		n, err := r.from.Read(data)
		done <- result{data[:n], err}
	}()
	select {
	case got := <-done:
		return copy(p, got.data), got.err
	case <-r.ctx.Done():
		return 0, context.Cause(r.ctx)
	}
}
