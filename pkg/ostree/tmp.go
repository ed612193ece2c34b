package ostree

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// cleanTmp removes staging directories whose process is gone, and whatever else
// has been in tmp for longer than core.tmp-expiry-secs. The directory "cache"
// stays, and staging directories that wait to be resumed stay as long.
func (r *Repo) cleanTmp() error {
	names, err := readNames(r.fd, "tmp")
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		switch {
		case name == "cache":
		case strings.HasPrefix(name, stagingPrefix):
			errs = append(errs, r.cleanStaging(strings.TrimSuffix(name, lockSuffix)))
		default:
			errs = append(errs, r.cleanOld(name))
		}
	}
	return errors.Join(errs...)
}

// cleanStaging removes a staging directory with its lock file, or one that is
// left of the two, unless a living process holds the lock.
func (r *Repo) cleanStaging(name string) error {
	if r.isKept(name) {
		return nil
	}
	path := filepath.Join(r.path, "tmp", name)
	lock, ok, err := claimLock(r.fd, "tmp/"+name+lockSuffix)
	if err != nil || !ok {
		return err
	}
	return errors.Join(fsx.RemoveAll(path), os.Remove(path+lockSuffix), lock.Close())
}

func (r *Repo) cleanOld(name string) error {
	path := filepath.Join(r.path, "tmp", name)
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || r.now().Sub(st.ModTime()) < r.settings.tmpExpiry {
		return err
	}
	return fsx.RemoveAll(path)
}
