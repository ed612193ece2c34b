package ostree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// A store is a directory of loose objects. What it lacks is looked up in the
// next one: a transaction stands before the repository, that before its parent.
type store struct {
	fd    int
	path  string // of the directory, for calls that take no descriptor; may be empty
	mode  Mode
	next  *store
	pools *pools

	// In a transaction only: which directories there are, and who may look at
	// objects by the first byte of their checksum, see [Writer.put].
	made  *[256]atomic.Bool
	locks *[256]sync.RWMutex
}

// lacks tells without looking that the store does not have an object.
func (s *store) lacks(name ObjectName) bool { return s.made != nil && !s.made[name.Checksum[0]].Load() }

// visit calls fn while nobody writes the object.
func (s *store) visit(name ObjectName, fn func(path string) error) error {
	if s.locks != nil {
		lock := &s.locks[name.Checksum[0]]
		lock.RLock()
		defer lock.RUnlock()
	}
	return fn(objectPath(name, s.mode))
}

// find calls visit for each store that may hold the object until one does,
// which is one for which visit does not give fs.ErrNotExist.
func (s *store) find(name ObjectName, visit func(s *store, path string) error) error {
	for ; s != nil; s = s.next {
		if s.lacks(name) {
			continue
		}
		err := s.visit(name, func(path string) error { return visit(s, path) })
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return &ObjectNotFoundError{Object: name}
}

// has tells whether the object exists in the store or those behind it.
func (s *store) has(name ObjectName) (bool, error) {
	for ; s != nil; s = s.next {
		ok, err := s.hasHere(name)
		if ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func (s *store) hasHere(name ObjectName) (bool, error) {
	if s.lacks(name) {
		return false, nil
	}
	err := s.visit(name, func(path string) error {
		if err := unix.Faccessat(s.fd, path, unix.F_OK, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return &fs.PathError{Op: "access", Path: path, Err: err}
		}
		return nil
	})
	return err == nil, ignoreNotExist(err)
}

// open opens the file that holds an object.
func (s *store) open(path string) (*os.File, error) {
	return fsx.OpenAt(s.fd, path, unix.O_RDONLY|unix.O_NOFOLLOW, 0)
}

// readMeta returns the bytes of a metadata object.
func (s *store) readMeta(name ObjectName) ([]byte, error) {
	var data []byte
	err := s.find(name, func(s *store, path string) error {
		f, err := s.open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		data, err = readBounded(f, maxMetadataSize)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// readBounded reads a whole regular file of at most limit bytes.
func readBounded(f *os.File, limit int64) ([]byte, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, &CorruptError{What: f.Name(), Err: errors.New("not a regular file")}
	}
	if st.Size() > limit {
		return nil, &CorruptError{What: f.Name(), Err: fmt.Errorf("%d bytes are more than the limit of %d", st.Size(), limit)}
	}
	data := make([]byte, st.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, err
	}
	return data, nil
}

// readDecoded reads a metadata object and decodes it.
func readDecoded[T any](s *store, name ObjectName, decode func([]byte) (T, error)) (T, error) {
	data, err := s.readMeta(name)
	if err != nil {
		var none T
		return none, err
	}
	value, err := decode(data)
	if err != nil {
		return value, &CorruptError{What: name.String(), Err: err}
	}
	return value, nil
}

func (s *store) loadCommit(c Checksum) (*Commit, error) {
	return readDecoded(s, ObjectName{c, ObjectCommit}, decodeCommit)
}

func (s *store) loadDirTree(c Checksum) (*DirTree, error) {
	return readDecoded(s, ObjectName{c, ObjectDirTree}, decodeDirTree)
}

func (s *store) loadDirMeta(c Checksum) (DirMeta, error) {
	return readDecoded(s, ObjectName{c, ObjectDirMeta}, decodeDirMeta)
}
