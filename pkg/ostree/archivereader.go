package ostree

import (
	"errors"
	"fmt"
	"os"
)

// An archiveReader decompresses the content of an archived file and holds it
// to the size in its header.
type archiveReader struct {
	file    *os.File
	inflate *inflater
	pools   *pools
	left    int64
}

// newArchiveReader reads the header of an archived file, which stands where f is.
// The reader has to be closed or released.
func newArchiveReader(f *os.File, p *pools) (FileInfo, *archiveReader, error) {
	r := &archiveReader{file: f, pools: p, inflate: p.inflates.Get().(*inflater)}
	r.inflate.reset(f)
	fi, err := readArchiveHeader(r.inflate.in)
	if err != nil {
		r.release()
		return fi, nil, r.corrupt(err)
	}
	r.left = fi.Size
	return fi, r, nil
}

// Read implements io.Reader.
func (r *archiveReader) Read(p []byte) (int, error) {
	if r.inflate == nil {
		return 0, os.ErrClosed
	}
	n, err := r.inflate.Read(p)
	r.left -= int64(n)
	switch {
	case r.left < 0:
		return 0, r.corrupt(errors.New("more content than its header says"))
	case atEnd(err) && r.left > 0:
		return n, r.corrupt(fmt.Errorf("%d bytes less than its header says", r.left))
	case err != nil && !atEnd(err):
		return n, r.corrupt(err)
	}
	return n, err
}

func (r *archiveReader) corrupt(err error) error {
	return &CorruptError{What: r.file.Name(), Err: err}
}

// Close implements io.Closer.
func (r *archiveReader) Close() error {
	r.release()
	return r.file.Close()
}

// release ends the use of the reader and leaves the file open.
func (r *archiveReader) release() {
	if r.inflate != nil {
		r.inflate.reset(nil)
		r.pools.inflates.Put(r.inflate)
		r.inflate = nil
	}
}
