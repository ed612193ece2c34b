package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

const (
	summaryFile    = "summary"
	summarySigFile = "summary.sig"
)

// lockSummary keeps other programs of this package from replacing the summary.
// libostree has no such lock and holds the one of the repository shared, so a
// summary and the signature of another could meet. It locks the directory
// itself, which needs no file.
func (r *Repo) lockSummary(ctx context.Context) (unlock func() error, err error) {
	d, err := fsx.OpenDirAt(r.fd, ".")
	if err != nil {
		return nil, err
	}
	err = pollLock(ctx, Exclusive, r.path, r.lockTimeout(), func() (bool, error) {
		err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, unix.EINTR) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d.Close, nil
}

// replaceSummary replaces the summary and its signature, nil for none. Both are
// complete before either is visible, and both have one time, so that caches of
// HTTP servers consider them old at the same moment.
func (r *Repo) replaceSummary(data, signature []byte) (err error) {
	dir, err := os.MkdirTemp(filepath.Join(r.path, "tmp"), "summary-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	now := time.Now()
	if err := r.writeSummaryFile(filepath.Join(dir, summaryFile), data, now); err != nil {
		return err
	}
	if signature != nil {
		if err := r.writeSummaryFile(filepath.Join(dir, summarySigFile), signature, now); err != nil {
			return err
		}
	}
	if err := os.Rename(filepath.Join(dir, summaryFile), filepath.Join(r.path, summaryFile)); err != nil {
		return err
	}
	if err := r.replaceSignature(dir, signature != nil); err != nil {
		return err
	}
	if r.syncs() {
		return syncFD(r.fd, r.path)
	}
	return nil
}

func (r *Repo) writeSummaryFile(path string, data []byte, mtime time.Time) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && r.syncs() {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Chtimes(path, mtime, mtime)
}

// replaceSignature leaves no signature that does not belong to the summary.
func (r *Repo) replaceSignature(dir string, signed bool) error {
	target := filepath.Join(r.path, summarySigFile)
	var err error
	if signed {
		if err = os.Rename(filepath.Join(dir, summarySigFile), target); err == nil {
			return nil
		}
	}
	if removeErr := os.Remove(target); !errors.Is(removeErr, fs.ErrNotExist) {
		err = errors.Join(err, removeErr)
	}
	return err
}

// syncs reports whether what is written must be on disk before it counts.
func (r *Repo) syncs() bool { return r.settings.sync && !r.opts.NoSync }

// Summary reads the summary of this repository with its signatures, which are
// nil if it is not signed. A repository without a summary gives fs.ErrNotExist.
func (r *Repo) Summary(ctx context.Context) (s *Summary, signatures Metadata, err error) {
	data, sig, err := r.ReadSummary(ctx)
	if err != nil {
		return nil, nil, err
	}
	if s, err = ParseSummary(data); err != nil {
		return nil, nil, fmt.Errorf("repository %s: %w", r.path, err)
	}
	if signatures, err = ParseSignatures(sig); err != nil {
		return nil, nil, fmt.Errorf("repository %s: %w", r.path, err)
	}
	return s, signatures, nil
}

// ReadSummary returns the bytes of the summary and of its signature file, which
// are nil if it is not signed. They are not checked. A repository without a
// summary gives fs.ErrNotExist.
func (r *Repo) ReadSummary(ctx context.Context) (data, signatures []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if data, err = r.readFile(summaryFile); err != nil {
		return nil, nil, fmt.Errorf("summary of repository %s: %w", r.path, err)
	}
	signatures, err = r.readFile(summarySigFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("summary of repository %s: %w", r.path, err)
	}
	return data, signatures, nil
}

func (r *Repo) readFile(name string) ([]byte, error) {
	f, err := fsx.OpenAt(r.fd, name, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBounded(f, maxMetadataSize)
}
