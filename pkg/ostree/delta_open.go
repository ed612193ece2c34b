package ostree

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// withSuperblock calls use with a superblock and the directory that parts lie
// in. The superblock must not be used afterwards.
func withSuperblock(path string, use func(s *superblock, dir string) error) error {
	dir, file := path, "superblock"
	if st, err := os.Stat(path); err == nil && !st.IsDir() {
		dir, file = filepath.Split(path)
	}
	data, err := blobMaker{}.openSuperblock(filepath.Join(dir, file))
	if err != nil {
		return err
	}
	s, err := parseSuperblock(data.data)
	if err == nil {
		err = use(s, dir)
	}
	return errors.Join(err, data.close())
}

// openSuperblock reads a superblock. One that holds the parts as well can be
// large and is mapped instead: it must not be cut off meanwhile.
func (m blobMaker) openSuperblock(path string) (*blob, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() == 0 {
		return nil, corrupt(path, errors.New("not a superblock"))
	}
	if st.Size() > memoryBlob {
		b := &blob{}
		return b, b.mapMemory(int(f.Fd()), st.Size(), unix.MAP_PRIVATE)
	}
	b, err := m.newBlob(st.Size())
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(f, b.data); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// openPartFile opens a part that lies in the superblock or in a directory.
func (s *superblock) openPartFile(m blobMaker, i int, dir string) (*partFile, error) {
	var r io.Reader
	if _, inline := s.metadata.Lookup(s.name.partPath(i)); !inline {
		f, err := os.Open(filepath.Join(dir, strconv.Itoa(i)))
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	return m.openPart(s, i, r)
}
