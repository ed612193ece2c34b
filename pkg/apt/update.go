package apt

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// parallelReleases is how many releases are refreshed at a time.
const parallelReleases = 8

// Update brings the cache up to date with sources and returns what they offer. The order of sources
// is their preference, see [NewUniverse].
//
// A release that the server has older than the cache does, or has not changed, is taken from the
// cache; one whose indexes cannot all be had and verified is not remembered, so that the last good
// lists stay. If any source fails, so does Update, with the errors of all that do: an incomplete
// universe would give wrong answers.
//
// When the client is offline, only the cache is used.
func (c *Client) Update(ctx context.Context, sources []source.Source) (*Universe, error) {
	releases, err := source.Releases(sources, c.options.Architecture, c.options.ForeignArchitectures)
	if err != nil {
		return nil, err
	}
	lists := make([]*list, len(releases))
	failed := make([]error, len(releases))
	progress := &combined{report: c.options.Progress, parts: make([]Progress, len(releases))}
	keys := newKeyrings(c.options.Root)
	var group errgroup.Group
	group.SetLimit(parallelReleases)
	for i, r := range releases {
		group.Go(func() error {
			lists[i], failed[i] = c.updateRelease(ctx, r, keys, progress.part(i))
			return nil
		})
	}
	if err := errors.Join(group.Wait(), errors.Join(failed...)); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	var parts []part
	digest := sha256.New()
	for _, l := range lists {
		parts = append(parts, l.parts...)
		digest.Write([]byte(l.digest))
	}
	return &Universe{store: newMapped(parts), digest: hex.EncodeToString(digest.Sum(nil))}, nil
}

// list is what one release offers.
type list struct {
	parts  []part
	digest string
}

func (c *Client) updateRelease(ctx context.Context, r source.Release, keys *keyrings, progress func(Progress)) (*list, error) {
	r, err := c.snapshot(ctx, r, keys)
	if err != nil {
		return nil, nameArchive(r, err)
	}
	if c.options.Offline {
		if l := c.believe(r); l != nil {
			return l, nil
		}
	}
	inputs, inputsErr := c.inputs(r) // as they are before they are read
	current, err := c.refresh(ctx, r, keys)
	if err != nil {
		return nil, nameArchive(r, err)
	}
	l, err := c.readLists(ctx, r, current.release, progress)
	if err != nil {
		return nil, nameArchive(r, err)
	}
	l.digest = current.digest + l.digest
	if current.fresh != nil {
		if err := c.states().save(r, current.fresh); err != nil {
			return nil, err
		}
		return l, nil
	}
	if keyring, err := keys.load(r.Options.SignedBy); err == nil && inputsErr == nil {
		c.conclude(r, inputs, keyring, current.release, l)
	}
	return l, nil
}

// nameArchive tells errors about the content of an archive which one it is, and adds it to others.
func nameArchive(r source.Release, err error) error {
	var untrusted *UntrustedError
	var release *ReleaseError
	switch {
	case errors.As(err, &untrusted) && untrusted.Archive == "":
		named := *untrusted
		named.Archive = r.String()
		return &named
	case errors.As(err, &release) && release.Archive == "":
		named := *release
		named.Archive = r.String()
		return &named
	default:
		return fmt.Errorf("update %s: %w", r, err)
	}
}

// combined adds the progress of parts that go on at the same time.
type combined struct {
	report func(Progress)
	mu     sync.Mutex
	parts  []Progress
}

func (c *combined) part(i int) func(Progress) {
	if c.report == nil {
		return nil
	}
	return func(p Progress) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.parts[i] = p
		var sum Progress
		for _, p := range c.parts {
			sum.Done += p.Done
			sum.Total += p.Total
			sum.Fetched += p.Fetched
			sum.Files += p.Files
			sum.FilesTotal += p.FilesTotal
			sum.Speed += p.Speed
			if sum.Current == "" {
				sum.Current = p.Current
			}
		}
		c.report(sum)
	}
}
