package ostree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// put stages an object whose bytes are in memory, under its name at once: that
// is one change of a directory less than by way of a temporary file. Until the
// object is complete nobody else looks at objects whose checksums begin alike;
// what a process leaves half done that is killed is found when its staging
// directory is taken over. It returns false if the object is there already.
//
// The file is created with a mode; finish, if set, does the rest.
func (w *Writer) put(name ObjectName, data []byte, mode uint32, finish func(fd int) error) (bool, error) {
	return w.create(name, func(path string) error {
		f, err := createFD(w.staging.fd, path, mode&0o7777)
		if err != nil {
			return err
		}
		err = f.writeAll(data)
		if err == nil && finish != nil {
			err = finish(int(f))
		}
		if err == nil && w.each {
			err = syncFD(int(f), path)
		}
		// A file system that runs full may say so only when the file is closed.
		if err = errors.Join(err, f.Close()); err == nil {
			err = w.guard(path)
		}
		if err != nil {
			err = errors.Join(err, unix.Unlinkat(w.staging.fd, path, 0))
		}
		return err
	})
}

// create calls a function that makes the file of an object. The function gives
// fs.ErrExist if the object is there, and leaves nothing if it fails.
func (w *Writer) create(name ObjectName, fn func(path string) error) (bool, error) {
	if err := w.makeDir(name.Checksum[0]); err != nil {
		return false, err
	}
	lock := &w.store.locks[name.Checksum[0]]
	lock.Lock()
	defer lock.Unlock()
	err := fn(objectPath(name, w.store.mode))
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// setUserMeta describes a file in an attribute, before the mode of the inode
// could forbid that.
func setUserMeta(fd int, fi FileInfo, inodeMode uint32) error {
	meta := encodeOwnerMode(fi.UID, fi.GID, fi.Mode, fi.Xattrs)
	err := fsx.SetXattrs(fd, []fsx.Xattr{{Name: userMetaXattr, Value: meta}})
	if err != nil {
		return err
	}
	return setMode(fd, inodeMode)
}

// setOwner makes the inode like the file. Changing the owner clears setuid bits
// and capabilities, so it comes first; a mode may forbid setting attributes, so
// it comes last. What is as it must be is left alone: each change is one more
// for the journal of the file system.
func setOwner(fd int, fi FileInfo) error {
	st, err := fsx.StatAt(fd, "")
	if err != nil {
		return err
	}
	if st.Uid != fi.UID || st.Gid != fi.GID {
		if err := unix.Fchown(fd, int(fi.UID), int(fi.GID)); err != nil {
			return ownerError(&os.PathError{Op: "chown", Path: "staged file", Err: err})
		}
	}
	if err := fsx.SetXattrs(fd, toDisk(fi.Xattrs)); err != nil {
		return err
	}
	// A change of owner may have taken set-id bits away, and an access list among
	// the attributes changes the mode.
	if st.Uid != fi.UID || st.Gid != fi.GID || len(fi.Xattrs) > 0 {
		return setMode(fd, fi.Mode)
	}
	return finishMode(fd, &st, fi.Mode)
}

// setMode sets the permission bits and the time that all objects have.
func setMode(fd int, mode uint32) error {
	st, err := fsx.StatAt(fd, "")
	if err != nil {
		return err
	}
	return finishMode(fd, &st, mode)
}

// finishMode is setMode for a file whose status is known.
func finishMode(fd int, st *unix.Stat_t, mode uint32) error {
	if st.Mode&0o7777 != mode&0o7777 {
		if err := unix.Fchmod(fd, mode&0o7777); err != nil {
			return &os.PathError{Op: "chmod", Path: "staged file", Err: err}
		}
	}
	return fsx.LUtimesAt(fd, "", 0)
}

func ownerError(err error) error {
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("a bare repository stores owners, which needs root; bare-user does not: %w", err)
	}
	return err
}
