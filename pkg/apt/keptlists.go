package apt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
	"github.com/apt-ostree/apt-ostree/pkg/apt/internal/listfile"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// keepUnused is how long a list is kept that no universe was made of.
const keepUnused = 30 * 24 * time.Hour

// listsDir keeps the parsed lists, in files named after what they were made of.
func (c *Client) listsDir() string { return filepath.Join(c.options.CacheDir, "lists") }

// name is a hash of what a list is made of: what the release says about the index and what is taken
// from it.
func (w wanted) name() string {
	sum := sha256.New()
	for _, v := range w.index.Variants {
		fmt.Fprintf(sum, "%s %d %s %s\n", v.Compression, v.Checksums.Size, v.Checksums.SHA256, v.Checksums.SHA512)
	}
	fmt.Fprintf(sum, "%q\n%q\n%q\n", w.want.Architectures, w.want.Include, w.want.Exclude)
	return hex.EncodeToString(sum.Sum(nil))
}

// openList returns the parsed list of an index, and its name in the cache unless it cannot be kept. It
// parses it if it is not kept, or damaged.
func (c *Client) openList(ctx context.Context, r source.Release, release *archive.Release, w wanted, progress func(Progress)) (*listfile.File, string, error) {
	name := w.name()
	path := filepath.Join(c.listsDir(), name)
	file, err := listfile.Open(path)
	switch {
	case err == nil:
		c.markUsed(path)
		return file, name, nil
	case !errors.Is(err, fs.ErrNotExist):
		c.options.Logger.Info("a package list is parsed again", "error", err.Error())
	}
	entries, err := c.parseIndex(ctx, r, release, w, progress)
	if err != nil {
		return nil, "", err
	}
	if err := c.keepList(path, entries); err != nil {
		c.options.Logger.Warn("a package list cannot be kept and will be parsed each time", "error", err.Error())
		var b bytes.Buffer
		if err := listfile.Write(&b, entries); err != nil {
			return nil, "", err
		}
		file, err := listfile.Decode(b.Bytes())
		return file, "", err
	}
	file, err = listfile.Open(path)
	return file, name, err
}

// keepList writes a list, and makes room by removing what has not been used for long.
func (c *Client) keepList(path string, entries []listfile.Entry) error {
	if err := os.MkdirAll(c.listsDir(), 0o755); err != nil {
		return err
	}
	c.removeUnused()
	return fsx.ReplaceFile(path, 0o644,
		func(f *os.File) error { return listfile.Write(f, entries) },
		func(*os.File) error { return nil })
}

// markUsed notes when a list was used, once a day. A cache that cannot be written to is no reason to
// stop, it only grows old.
func (c *Client) markUsed(path string) {
	now := c.options.Clock()
	if info, err := os.Stat(path); err == nil && now.Sub(info.ModTime()) > 24*time.Hour {
		if err := os.Chtimes(path, now, now); err != nil {
			c.options.Logger.Debug("the use of a package list is not noted", "error", err.Error())
		}
	}
}

// removeUnused removes old lists, and what interrupted writers left. Whoever has one open keeps it.
func (c *Client) removeUnused() {
	entries, err := os.ReadDir(c.listsDir())
	for _, e := range entries {
		info, infoErr := e.Info()
		if infoErr == nil && c.options.Clock().Sub(info.ModTime()) > keepUnused {
			infoErr = os.Remove(filepath.Join(c.listsDir(), e.Name()))
		}
		if !errors.Is(infoErr, fs.ErrNotExist) {
			err = errors.Join(err, infoErr)
		}
	}
	if err != nil {
		c.options.Logger.Debug("old package lists are not removed", "error", err.Error())
	}
}
