package apt

import (
	"context"
	"sync"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// keepMirrors is how long a mirror list is used before it is fetched again.
const keepMirrors = time.Hour

// mirrors are the mirror lists of a client, by their addresses.
type mirrors struct {
	mu    sync.Mutex // guards what follows, and one fetch at a time
	lists map[string]mirrorList
}

type mirrorList struct {
	fetched time.Time
	mirrors []archive.Mirror
}

// get returns a list, which need not be the newest one.
func (m *mirrors) get(ctx context.Context, c *Client, address string) ([]archive.Mirror, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := c.options.Clock()
	if have, ok := m.lists[address]; ok && now.Sub(have.fetched) < keepMirrors {
		return have.mirrors, nil
	}
	list, err := c.fetcher.Mirrors(ctx, address)
	if err != nil {
		return nil, err
	}
	m.lists[address] = mirrorList{now, list}
	return list, nil
}

// bases returns where an archive is, in the order to try: its URI or, if that is a mirror list, those of it
// that have what is looked for. limits are pairs of keys and values for [archive.Mirror.Has].
func (c *Client) bases(ctx context.Context, uri string, limits ...string) ([]string, error) {
	address, ok := archive.MirrorList(uri)
	if !ok {
		return []string{uri}, nil
	}
	list, err := c.mirrors.get(ctx, c, address)
	if err != nil {
		return nil, err
	}
	var bases []string
	for _, m := range list {
		has := true
		for i := 0; i < len(limits); i += 2 {
			has = has && m.Has(limits[i], limits[i+1])
		}
		if has {
			bases = append(bases, m.URI)
		}
	}
	if len(bases) == 0 {
		return nil, &ReleaseError{Archive: uri, Problem: "no mirror of its list has what is needed"}
	}
	return bases, nil
}

// item makes the order for a file below the URI of an archive.
func (c *Client) item(ctx context.Context, uri, name string, item archive.Item, limits ...string) (archive.Item, error) {
	bases, err := c.bases(ctx, uri, limits...)
	if err != nil {
		return item, err
	}
	item.URL = bases[0] + name
	for _, base := range bases[1:] {
		item.Mirrors = append(item.Mirrors, base+name)
	}
	return item, nil
}

// releaseLimits are what mirrors may restrict themselves to, of a whole release.
func releaseLimits(r source.Release, kind string) []string {
	return []string{"suite", r.Suite, "type", kind}
}
