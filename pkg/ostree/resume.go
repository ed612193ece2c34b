package ostree

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// resumeStaging takes over a staging directory that nobody uses, or returns nil
// if there is none. Those of another boot are no use: what they hold may not
// have reached the disk.
func (r *Repo) resumeStaging(ctx context.Context, prefix string) (*staging, error) {
	names, err := readNames(r.fd, "tmp")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, prefix) || strings.HasSuffix(name, lockSuffix) {
			continue
		}
		s := &staging{repo: r, name: name, fd: -1}
		killed, err := s.hasLockFile()
		if err != nil {
			return nil, err
		}
		ok, err := s.claim()
		if err != nil {
			return nil, fmt.Errorf("staging directory: %w", err)
		}
		if !ok {
			continue // in use
		}
		err = s.reopen(ctx, killed)
		if err == nil {
			return s, nil
		}
		if err = errors.Join(ignoreNotExist(err), s.remove()); err != nil {
			return nil, fmt.Errorf("resume staging directory %s: %w", name, err)
		}
	}
	return nil, nil
}

func (s *staging) hasLockFile() (bool, error) {
	_, err := fsx.StatAt(s.repo.fd, "tmp/"+s.name+lockSuffix)
	return err == nil, ignoreNotExist(err)
}

// reopen opens the directory, removes what is not an object, and notes where
// objects are. Those that a process has left which was killed may be half
// written, so each is compared with its checksum; a file with other names may
// be one of somebody who can still change it.
func (s *staging) reopen(ctx context.Context, verify bool) error {
	var err error
	if s.fd, err = openDirFD(unix.AT_FDCWD, s.path()); err != nil {
		return err
	}
	names, err := readNames(s.fd, ".")
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, name := range names {
		first, err := hex.DecodeString(name)
		if err != nil || len(first) != 1 || strings.ToLower(name) != name {
			group.Go(func() error { return fsx.RemoveAllAt(s.fd, name) })
			continue
		}
		s.resumed = append(s.resumed, first[0])
		group.Go(func() error { return s.inspect(ctx, name, verify) })
	}
	return group.Wait()
}

// inspect removes what cannot stay from a directory of objects.
func (s *staging) inspect(ctx context.Context, dir string, verify bool) error {
	names, err := readNames(s.fd, dir)
	if err != nil {
		return err
	}
	objects := &store{fd: s.fd, mode: s.repo.settings.mode, pools: s.repo.pools}
	for _, name := range names {
		object, ok := parseObjectPath(dir, name, objects.mode)
		if ok && verify {
			ok = s.isSound(ctx, objects, object)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if ok {
			continue
		}
		if err := fsx.RemoveAllAt(s.fd, dir+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

// isSound tells whether an object that a killed process left is what its name
// says, and nobody else's.
func (s *staging) isSound(ctx context.Context, objects *store, object ObjectName) bool {
	if object.Type == ObjectFile {
		st, err := fsx.StatAt(s.fd, objectPath(object, objects.mode))
		if err != nil || st.Nlink > 1 {
			return false
		}
	}
	_, err := objects.verify(ctx, object)
	return err == nil
}

// keep leaves the directory to whoever resumes; without its lock file, which
// says that it was not left by a process that was killed. One that is empty
// goes, unless even that is wanted.
func (s *staging) keep(empty bool) error {
	var err error
	if !empty {
		err = os.Remove(s.path())
	}
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, fs.ErrExist) {
		err = nil
	}
	errs := []error{err, os.Remove(s.path() + lockSuffix), s.lock.Close()}
	if s.fd >= 0 {
		errs = append(errs, unix.Close(s.fd))
		s.fd = -1
	}
	return errors.Join(errs...)
}

// isKept tells whether a staging directory waits to be resumed.
func (r *Repo) isKept(name string) bool {
	boot, err := r.bootID()
	if err != nil || !strings.HasPrefix(name, stagingPrefix+boot+"-") {
		return false
	}
	_, err = fsx.StatAt(r.fd, "tmp/"+name+lockSuffix)
	if !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	st, err := fsx.StatAt(r.fd, "tmp/"+name)
	return err == nil && r.now().Unix()-st.Mtim.Sec < int64(r.settings.tmpExpiry.Seconds())
}
