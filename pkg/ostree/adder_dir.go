package ostree

import (
	"os"
	"sync/atomic"
)

// A sourceDir is an open directory whose files several workers open. The last
// to release it closes it.
type sourceDir struct {
	*os.File
	path  string // below the directory that is added
	users atomic.Int32
}

func newSourceDir(f *os.File) *sourceDir {
	d := &sourceDir{File: f}
	d.retain()
	return d
}

func (d *sourceDir) retain() { d.users.Add(1) }

func (d *sourceDir) release() {
	if d.users.Add(-1) == 0 {
		_ = d.Close() // it was only read
	}
}

// open opens a file to be read. A name that has become something else since it
// was listed must not make it wait.
func (d *sourceDir) open(name string) (fdFile, error) {
	fd, err := openFD(int(d.Fd()), name)
	return fdFile(fd), err
}
