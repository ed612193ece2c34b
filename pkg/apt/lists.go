package apt

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
	"github.com/apt-ostree/apt-ostree/pkg/apt/internal/listfile"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// wanted is one index to read, with what to take from it.
type wanted struct {
	index  *archive.Index
	want   source.Want
	origin *Origin
}

// readLists reads all indexes of a release that its sources want.
func (c *Client) readLists(ctx context.Context, r source.Release, release *archive.Release, progress func(Progress)) (*list, error) {
	all, err := wantedIndexes(r, release)
	if err != nil {
		return nil, err
	}
	meter := &combined{report: progress, parts: make([]Progress, len(all))}
	files := make([]*listfile.File, len(all))
	kept := make([]string, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelReleases)
	for i, w := range all {
		if w.index.Empty() {
			continue
		}
		group.Go(func() error {
			var err error
			files[i], kept[i], err = c.openList(ctx, r, release, w, meter.part(i))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	l := new(list)
	digest := sha256.New()
	for i, w := range all {
		if files[i] != nil {
			l.parts = append(l.parts, part{files[i], w.origin, kept[i]})
		}
		fmt.Fprintf(digest, "%s\n%v\n%v\n%v\n", w.index.Path, w.want.Architectures, w.want.Include, w.want.Exclude)
	}
	l.digest = hex.EncodeToString(digest.Sum(nil))
	return l, nil
}

func wantedIndexes(r source.Release, release *archive.Release) ([]wanted, error) {
	var all []wanted
	for _, want := range r.Wants {
		indexes, err := release.Indexes(want.Component, want.Architectures)
		if err != nil {
			return nil, err
		}
		origin := newOrigin(r, release, want.Component)
		for _, index := range indexes {
			all = append(all, wanted{index, want, origin})
		}
	}
	return all, nil
}

// readIndex hands the text of an index to piece, from the cache if it is there; see [archive.ReadIndex].
func (c *Client) readIndex(ctx context.Context, r source.Release, release *archive.Release, x *archive.Index, progress func(Progress), piece func(string) error) error {
	if x.Checksums.Size >= 0 {
		path, err := c.cache.Lookup(x.Checksums)
		if err == nil {
			return archive.ReadIndex(ctx, path, "", x.Checksums, piece)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	path, variant, err := c.fetchIndex(ctx, r, release, x, progress)
	if err != nil {
		return err
	}
	return archive.ReadIndex(ctx, path, variant.Compression, x.Checksums, piece)
}

// fetchIndex gets the first variant that can be had, by its checksum if the archive supports that:
// while a mirror is being updated, the file by name may be another one.
func (c *Client) fetchIndex(ctx context.Context, r source.Release, release *archive.Release, x *archive.Index, progress func(Progress)) (string, archive.Variant, error) {
	byHash := release.ByHash && r.Options.ByHash != source.ByHashNo || r.Options.ByHash == source.ByHashForce
	var missing error
	for _, v := range c.variants(r, x) {
		if c.options.Offline {
			if path, err := c.cache.Lookup(v.Checksums); err == nil {
				return path, v, nil
			}
			missing = &OfflineError{What: "the index " + r.Base() + x.Path}
			continue
		}
		names := []string{v.Path}
		if byHash {
			names = []string{v.ByHashPath(), v.Path}
		}
		for _, name := range names {
			item, err := c.item(ctx, r.URI, r.Dir()+name, archive.Item{Checksums: v.Checksums, Name: x.Path}, releaseLimits(r, "index")...)
			if err != nil {
				return "", v, err
			}
			paths, err := c.fetcher.FetchAll(ctx, []archive.Item{item}, archive.FetchOptions{Progress: progress})
			if err == nil {
				return paths[0], v, nil
			}
			var mismatch *HashMismatchError
			if !isMissing(err) && !errors.As(err, &mismatch) {
				return "", v, err
			}
			// A mismatch says more than that another name does not exist.
			if missing == nil || errors.As(err, &mismatch) {
				missing = err
			}
		}
	}
	return "", archive.Variant{}, missing
}

// variants puts those first that are preferred or, where nothing has to be transferred, that are read
// fastest.
func (c *Client) variants(r source.Release, x *archive.Index) []archive.Variant {
	sorted := slices.Clone(x.Variants)
	if strings.HasPrefix(r.URI, "file:") || strings.HasPrefix(r.URI, "copy:") {
		slices.Reverse(sorted)
	}
	rank := func(v archive.Variant) int {
		name := cmp.Or(strings.TrimPrefix(v.Compression, "."), "uncompressed")
		if i := slices.Index(c.options.Compressions, name); i >= 0 {
			return i
		}
		return len(c.options.Compressions)
	}
	slices.SortStableFunc(sorted, func(a, b archive.Variant) int { return cmp.Compare(rank(a), rank(b)) })
	return sorted
}
