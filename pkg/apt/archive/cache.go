package archive

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// lockPoll is how often a file is looked at that another process is downloading.
const lockPoll = 50 * time.Millisecond

// Cache is a directory of files named by their checksums: "sha256/ab/abcd…". What it returns has
// been verified a moment ago. Files appear in it whole or not at all; a download in progress is
// "….partial" next to it, locked by the process that writes it and kept for resumption. A Cache is
// safe for concurrent use, by several processes as well.
type Cache struct {
	dir string
}

// NewCache returns the cache in dir, which is created when it is first written to.
func NewCache(dir string) *Cache { return &Cache{dir: dir} }

// Dir returns the directory.
func (c *Cache) Dir() string { return c.dir }

// path returns where a file is or will be.
func (c *Cache) path(want Checksums) (string, error) {
	switch {
	case want.SHA256 != "":
		return filepath.Join(c.dir, "sha256", want.SHA256[:2], want.SHA256), nil
	case want.SHA512 != "":
		return filepath.Join(c.dir, "sha512", want.SHA512[:2], want.SHA512), nil
	default:
		return "", errors.New("a file without a strong checksum cannot be verified, so it is not fetched")
	}
}

// Lookup returns the path of a file if it is there and what it should be. One that is damaged is
// removed. The error is an [fs.ErrNotExist] if it is not there.
func (c *Cache) Lookup(want Checksums) (string, error) {
	path, err := c.path(want)
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := newHasherFor(want)
	n, err := io.Copy(sum, f)
	if err != nil {
		return "", err
	}
	if sum.check(path, n, want) != nil {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		return "", &fs.PathError{Op: "lookup", Path: path, Err: fs.ErrNotExist}
	}
	return path, nil
}

// Put stores what r has, which must be what want says, and returns its path.
func (c *Cache) Put(ctx context.Context, want Checksums, r io.Reader) (string, error) {
	p, path, err := c.begin(ctx, want)
	if err != nil || p == nil {
		return path, err
	}
	defer p.unlock()
	if err := p.reset(); err != nil {
		return "", err
	}
	if _, err := io.Copy(p, r); err != nil {
		return "", err
	}
	return p.commit(path)
}

// Clear removes all files that are not being written at the moment.
func (c *Cache) Clear() error {
	var failed []error
	for _, algorithm := range []string{"sha256", "sha512"} {
		failed = append(failed, fsx.RemoveAll(filepath.Join(c.dir, algorithm)))
	}
	return errors.Join(failed...)
}

// begin returns the partial file for a download, locked, or, if the file has meanwhile been
// completed by somebody else, nil and its path.
func (c *Cache) begin(ctx context.Context, want Checksums) (*partial, string, error) {
	final, err := c.path(want)
	if err != nil {
		return nil, "", err
	}
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return nil, "", err
	}
	for {
		if path, err := c.Lookup(want); !errors.Is(err, fs.ErrNotExist) {
			return nil, path, err
		}
		p, err := openPartial(ctx, final, want)
		if err != nil {
			return nil, "", err
		}
		if p == nil {
			continue // somebody finished or removed it while we waited
		}
		return p, final, nil
	}
}

// partial is a file that is being downloaded. Its content so far is in the hasher.
type partial struct {
	file *os.File
	want Checksums
	size int64
	sum  *hasher
}

// openPartial opens and locks the file next to final. It returns nil if the file it got hold of is
// not, or no longer, the one at that path.
func openPartial(ctx context.Context, final string, want Checksums) (*partial, error) {
	name := final + ".partial"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		// The directory was cleared in this moment.
		return nil, os.MkdirAll(filepath.Dir(final), 0o755)
	}
	if err != nil {
		return nil, err
	}
	if err := lock(ctx, f); err != nil {
		f.Close()
		return nil, err
	}
	if same, err := isAt(f, name); err != nil || !same {
		f.Close()
		return nil, err
	}
	p := &partial{file: f, want: want, sum: newHasherFor(want)}
	// What an earlier attempt left is hashed once more; it may have been cut short by a crash.
	if p.size, err = io.Copy(p.sum, f); err != nil {
		f.Close()
		return nil, err
	}
	if want.Size >= 0 && p.size > want.Size {
		return p, p.reset()
	}
	return p, nil
}

// isAt reports whether an open file is the one at a path.
func isAt(f *os.File, path string) (bool, error) {
	mine, err := f.Stat()
	if err != nil {
		return false, err
	}
	current, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(mine, current), err
}

func lock(ctx context.Context, f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPoll):
		}
	}
}

// Write appends data to the file.
func (p *partial) Write(data []byte) (int, error) {
	n, err := p.file.Write(data)
	if _, hashErr := p.sum.Write(data[:n]); err == nil {
		err = hashErr
	}
	p.size += int64(n)
	return n, err
}

// reset starts anew.
func (p *partial) reset() error {
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	p.size, p.sum = 0, newHasherFor(p.want)
	return nil
}

// check compares the content with what it should be.
func (p *partial) check(url string) error { return p.sum.check(url, p.size, p.want) }

// commit gives the file its name if it is what it should be. There is no need to flush it to disk:
// what a crash leaves is found out by Lookup.
func (p *partial) commit(final string) (string, error) {
	if err := p.check(final); err != nil {
		return "", err
	}
	return final, os.Rename(p.file.Name(), final)
}

// discard removes what is there so far.
func (p *partial) discard() error { return os.Remove(p.file.Name()) }

// unlock lets others go on. The content stays for later.
func (p *partial) unlock() { p.file.Close() }
