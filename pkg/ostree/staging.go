package ostree

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

const (
	stagingPrefix = "staging-"
	lockSuffix    = "-lock"
	bootIDFile    = "/proc/sys/kernel/random/boot_id"
)

// A staging directory collects the objects of one update. It is laid out like
// the directory objects. A lock on the file beside it tells others that its
// process lives.
type staging struct {
	repo    *Repo
	name    string // in tmp
	fd      int
	lock    *os.File
	resumed []byte // first bytes of the checksums of objects that were there before
}

func newStaging(ctx context.Context, r *Repo, resume bool) (*staging, error) {
	boot, err := r.bootID()
	if err != nil {
		return nil, err
	}
	if resume {
		if s, err := r.resumeStaging(ctx, stagingPrefix+boot+"-"); s != nil || err != nil {
			return s, err
		}
	}
	for {
		s := &staging{repo: r, name: stagingPrefix + boot + "-" + rand.Text()[:6], fd: -1}
		ok, err := s.claim()
		if err != nil {
			return nil, fmt.Errorf("staging directory: %w", err)
		}
		if ok {
			return s, s.create()
		}
	}
}

func (r *Repo) bootID() (string, error) {
	id := r.opts.BootID
	if id == "" {
		data, err := os.ReadFile(bootIDFile)
		if err != nil {
			return "", err
		}
		id = strings.TrimSpace(string(data))
	}
	if !isFragment(id) {
		return "", fmt.Errorf("boot id %q cannot be part of a file name", id)
	}
	return id, nil
}

func (s *staging) path() string { return filepath.Join(s.repo.path, "tmp", s.name) }

// claim locks the lock file before the directory exists: a process that cleans
// up never sees the directory without the lock.
func (s *staging) claim() (bool, error) {
	lock, ok, err := claimLock(s.repo.fd, "tmp/"+s.name+lockSuffix)
	s.lock = lock
	return ok, err
}

func (s *staging) create() error {
	err := os.Mkdir(s.path(), 0o700)
	if err == nil {
		s.fd, err = openDirFD(unix.AT_FDCWD, s.path())
	}
	if err != nil {
		return errors.Join(fmt.Errorf("staging directory: %w", err), s.remove())
	}
	return nil
}

// remove deletes the directory with all that is left in it, then its lock file.
func (s *staging) remove() error {
	var errs []error
	if s.fd >= 0 {
		errs = append(errs, unix.Close(s.fd))
		s.fd = -1
	}
	errs = append(errs, fsx.RemoveAll(s.path()), os.Remove(s.path()+lockSuffix), s.lock.Close())
	return errors.Join(errs...)
}

// claimLock locks a file that may have to be created. It fails softly when
// someone else has the lock or has just removed the file.
func claimLock(at int, path string) (*os.File, bool, error) {
	f, err := fsx.OpenAt(at, path, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, false, err
	}
	ok, err := tryLock(f, Exclusive)
	if ok && err == nil {
		ok, err = stillNamed(f, at, path)
	}
	if !ok || err != nil {
		return nil, false, errors.Join(err, f.Close())
	}
	return f, true, nil
}

func stillNamed(f *os.File, at int, path string) (bool, error) {
	open, err := fsx.StatAt(int(f.Fd()), "")
	if err != nil {
		return false, err
	}
	named, err := fsx.StatAt(at, path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && open.Ino == named.Ino && open.Dev == named.Dev, err
}
