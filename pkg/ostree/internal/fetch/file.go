package fetch

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// openFile opens a file below the directory of a file URL. Symbolic links are
// followed: whoever owns the directory has made them.
func (c *Client) openFile(at *base, b *body, r request) (*answer, error) {
	fail := func(reason Reason, err error) (*answer, error) {
		return nil, &Error{URL: at.at(b.path).String(), Reason: reason, Err: err}
	}
	name := at.dir
	if b.path != "" {
		if !filepath.IsLocal(b.path) {
			return fail(ReasonFile, errors.New("the path leaves the directory"))
		}
		name = filepath.Join(at.dir, b.path)
	}
	// Without blocking, because it could be a pipe.
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return fail(ReasonFile, err)
	}
	a := &answer{base: at, body: f, status: statusOK, offset: r.offset}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	if err == nil && r.offset > 0 {
		_, err = f.Seek(r.offset, io.SeekStart)
	}
	if err != nil {
		a.close()
		return fail(ReasonFile, err)
	}
	a.size = st.Size()
	if limit := b.options.MaxSize; limit > 0 && a.size > limit {
		a.close()
		return fail(ReasonTooLarge, fmt.Errorf("%w: %d bytes, the limit is %d", errTooLarge, a.size, limit))
	}
	return a, nil
}

const statusOK = 200
