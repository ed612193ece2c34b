package ostree

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// mayMoveDirs tells whether a directory that was made in the staging directory
// is what it would be if it had been made among the objects: what is made in
// either gets the same group and the same access list.
func (w *Writer) mayMoveDirs() (bool, error) {
	from, to := w.staging.fd, w.repo.store.fd
	a, err := fsx.StatAt(from, "")
	if err != nil {
		return false, err
	}
	b, err := fsx.StatAt(to, "")
	if err != nil {
		return false, err
	}
	alike := a.Mode&unix.S_ISGID == b.Mode&unix.S_ISGID && (a.Mode&unix.S_ISGID == 0 || a.Gid == b.Gid)
	return alike && !hasDefaultACL(from) && !hasDefaultACL(to), nil
}

func hasDefaultACL(fd int) bool {
	_, err := unix.Fgetxattr(fd, "system.posix_acl_default", nil)
	return err == nil
}

// moveDir moves a directory of objects as it is, which for the first commit of a
// repository is one rename instead of some for each. It does nothing, and gives
// false, if the repository has such a directory, or a commit is in it, which has
// to come last.
func (w *Writer) moveDir(from *os.File, name string) (bool, error) {
	commit, err := w.holdsCommit(from, name)
	if commit || err != nil {
		return false, err
	}
	if err := unix.Renameat2(w.staging.fd, name, w.repo.store.fd, name, unix.RENAME_NOREPLACE); err != nil {
		return false, nil //nolint:nilerr // moving the objects one by one works, or says what is wrong
	}
	if !w.each {
		return true, nil // the names in it were synced with the rest
	}
	return true, syncFD(int(from.Fd()), "objects/"+name)
}

// holdsCommit tells whether one of the objects in a directory is a commit.
// Anything that is no object is an error.
func (w *Writer) holdsCommit(dir *os.File, name string) (bool, error) {
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return false, err
	}
	commit := false
	for _, file := range names {
		object, ok := parseObjectPath(name, file, w.store.mode)
		if !ok {
			return false, fmt.Errorf("objects/%s: %s is not an object", name, file)
		}
		commit = commit || object.Type == ObjectCommit
	}
	_, err = dir.Seek(0, io.SeekStart)
	return commit, err
}
