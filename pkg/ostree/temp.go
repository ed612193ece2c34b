package ostree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// A temp is a file that is being written. It has a name in the staging
// directory that no object can have, so nobody takes it for one.
type temp struct {
	*os.File
	w    *Writer
	name string
}

func (w *Writer) newTemp() (*temp, error) {
	name := w.tempName()
	f, err := fsx.OpenAt(w.staging.fd, name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &temp{File: f, w: w, name: name}, nil
}

func (w *Writer) tempName() string {
	return "new-" + strconv.FormatInt(w.serial.Add(1), 10)
}

// abandon removes the file after an error.
func (t *temp) abandon(cause error) error {
	return errors.Join(cause, t.Close(), unix.Unlinkat(t.w.staging.fd, t.name, 0))
}

// stage makes the finished file an object. It returns false if another
// goroutine staged the same object before.
func (t *temp) stage(name ObjectName) (bool, error) {
	if t.w.each {
		if err := t.Sync(); err != nil {
			return false, t.abandon(err)
		}
	}
	// A file system that runs full may say so only now.
	if err := t.Close(); err != nil {
		return false, errors.Join(err, unix.Unlinkat(t.w.staging.fd, t.name, 0))
	}
	if err := t.w.guard(t.name); err != nil {
		return false, errors.Join(err, unix.Unlinkat(t.w.staging.fd, t.name, 0))
	}
	return t.w.stageName(t.name, name)
}

// stageName gives a finished file or link in the staging directory the name of
// its object.
func (w *Writer) stageName(tmp string, name ObjectName) (bool, error) {
	if err := w.makeDir(name.Checksum[0]); err != nil {
		return false, err
	}
	err := renameNew(w.staging.fd, tmp, w.staging.fd, objectPath(name, w.store.mode))
	if errors.Is(err, fs.ErrExist) {
		return false, unix.Unlinkat(w.staging.fd, tmp, 0)
	}
	return err == nil, err
}

// makeDir makes the directory for checksums that begin with a byte, once.
func (w *Writer) makeDir(first byte) error {
	if w.made[first].Load() {
		return nil
	}
	if err := makeObjectDir(w.staging.fd, fmt.Sprintf("%02x", first)); err != nil {
		return err
	}
	w.made[first].Store(true)
	return nil
}

func makeObjectDir(at int, name string) error {
	if err := unix.Mkdirat(at, name, 0o775); err != nil && !errors.Is(err, unix.EEXIST) {
		return &fs.PathError{Op: "mkdir", Path: name, Err: err}
	}
	return nil
}

// renameNew renames and gives fs.ErrExist when the new name is taken.
func renameNew(fromfd int, from string, tofd int, to string) error {
	err := unix.Renameat2(fromfd, from, tofd, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) { // a file system that does not know the flag
		if err = unix.Linkat(fromfd, from, tofd, to, 0); err == nil {
			err = unix.Unlinkat(fromfd, from, 0)
		}
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}
