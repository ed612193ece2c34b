package apt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
)

// DownloadOptions adjusts [Client.Download].
type DownloadOptions struct {
	// Parallel is the number of transfers at a time; 0 means 8.
	Parallel int
	// Progress is told how far everything is. It is called by one goroutine at a time.
	Progress func(Progress)
}

// Download gets the .debs of packages and returns their paths. Files in the cache are used after they
// were verified again; what an interrupted download left is continued. Packages that are local files
// are returned as they are. The files stay valid until [Client.Clean].
//
// A package that the archive does not have any more is a [*SupersededError], one that is not what
// the index says a [*HashMismatchError].
func (c *Client) Download(ctx context.Context, packages []*Package, o DownloadOptions) (map[*Package]string, error) {
	paths := make(map[*Package]string, len(packages))
	var remote []*Package
	var items []archive.Item
	for _, p := range packages {
		if _, seen := paths[p]; seen {
			continue
		}
		paths[p] = p.Path
		if p.Path != "" {
			continue
		}
		item, err := c.downloadItem(ctx, p)
		if err != nil {
			return nil, err
		}
		remote, items = append(remote, p), append(items, item)
	}
	files, err := c.download(ctx, remote, items, o)
	if err != nil {
		return nil, err
	}
	for i, p := range remote {
		paths[p] = files[i]
	}
	return paths, nil
}

func (c *Client) download(ctx context.Context, packages []*Package, items []archive.Item, o DownloadOptions) ([]string, error) {
	if c.options.Offline {
		return c.lookUp(packages, items)
	}
	files, err := c.fetcher.FetchAll(ctx, items, archive.FetchOptions{Parallel: o.Parallel, Progress: o.Progress})
	var status *StatusError
	if errors.As(err, &status) && status.IsMissing() {
		for i, item := range items {
			if slices.ContainsFunc(append(item.Mirrors, item.URL), func(u string) bool { return redacted(u) == status.URL }) {
				return nil, &SupersededError{Package: packages[i], URL: status.URL}
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("download packages: %w", err)
	}
	return files, nil
}

func (c *Client) lookUp(packages []*Package, items []archive.Item) ([]string, error) {
	files := make([]string, len(items))
	for i, item := range items {
		file, err := c.cache.Lookup(item.Checksums)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &OfflineError{What: packages[i].String()}
		}
		if err != nil {
			return nil, err
		}
		files[i] = file
	}
	return files, nil
}

// downloadItem makes the order for a package.
func (c *Client) downloadItem(ctx context.Context, p *Package) (archive.Item, error) {
	item, err := checkDownload(p)
	if err != nil || c.options.Offline {
		return item, err
	}
	name := (&url.URL{Path: path.Clean(p.Filename)}).EscapedPath()
	return c.item(ctx, p.Origin.URI, name, item, "type", "deb", "arch", p.Architecture, "codename", p.Origin.Codename,
		"component", p.Origin.Component, "suite", p.Origin.Suite)
}

// checkDownload says what a package must be, and refuses one that cannot be had or verified.
func checkDownload(p *Package) (archive.Item, error) {
	if p.Origin == nil || p.Filename == "" {
		return archive.Item{}, fmt.Errorf("download %s: no archive offers it", p)
	}
	if p.SHA256 == "" && p.SHA512 == "" {
		return archive.Item{}, fmt.Errorf("download %s: its archive lists neither SHA256 nor SHA512 for it, so it cannot be verified", p)
	}
	name := path.Clean(p.Filename)
	if path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
		return archive.Item{}, fmt.Errorf("download %s: file name %q leads out of the archive", p, p.Filename)
	}
	return archive.Item{
		Checksums: archive.Checksums{Size: sizeOrUnknown(p), SHA256: p.SHA256, SHA512: p.SHA512},
		Name:      p.Name,
	}, nil
}

func sizeOrUnknown(p *Package) int64 {
	if p.Size == 0 {
		return -1
	}
	return p.Size
}

func redacted(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Redacted()
}
