package archive

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Fetcher gets files by URL. It is safe for concurrent use.
type Fetcher struct {
	client  *http.Client
	cache   *Cache
	options FetcherOptions
}

// FetcherOptions adjusts a [Fetcher]. The zero value is useful.
type FetcherOptions struct {
	// HTTP makes the requests; nil means a client with [NewTransport] and Proxy. Redirects from https
	// to http are refused unless the client has a policy of its own.
	HTTP *http.Client
	// Proxy selects a proxy if HTTP is nil; nil means none.
	Proxy func(*http.Request) (*url.URL, error)
	// TLS has the certificates for a host if HTTP is nil; nil means those of the system.
	TLS func(host string) (*tls.Config, error)
	// Authorize, if set, adds credentials to a request. It is called for the first request only, not
	// for redirects.
	Authorize func(*http.Request)
	// Retries is how often a transfer is tried again that fails without having got any further;
	// 0 means 3, a negative number none.
	Retries int
	// Backoff is the pause before the first retry; it doubles every time, with jitter. 0 means 500 ms.
	Backoff time.Duration
	// Stall is how long a server may send nothing; 0 means 30 s.
	Stall time.Duration
	// Clock tells the time; nil means [time.Now].
	Clock func() time.Time
	// Logger gets retries and repairs; nil means nobody.
	Logger *slog.Logger
}

// NewFetcher returns a fetcher that keeps files in cache.
func NewFetcher(cache *Cache, o FetcherOptions) *Fetcher {
	if o.HTTP == nil {
		o.HTTP = &http.Client{Transport: NewTransport(o.Proxy)}
		if o.TLS != nil {
			o.HTTP.Transport = &byHost{base: NewTransport(o.Proxy), tls: o.TLS, hosts: map[string]*http.Transport{}}
		}
	}
	client := *o.HTTP
	if client.CheckRedirect == nil {
		client.CheckRedirect = checkRedirect
	}
	switch {
	case o.Retries == 0:
		o.Retries = 3
	case o.Retries < 0:
		o.Retries = 0
	}
	if o.Backoff == 0 {
		o.Backoff = 500 * time.Millisecond
	}
	if o.Stall == 0 {
		o.Stall = 30 * time.Second
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Fetcher{client: &client, cache: cache, options: o}
}

// Close closes idle connections.
func (f *Fetcher) Close() error {
	f.client.CloseIdleConnections()
	return nil
}

// Item is a file to fetch. It needs at least one checksum.
type Item struct {
	URL string
	// Mirrors are further URLs, to be tried in their order where the ones before them fail.
	Mirrors []string
	Checksums
	// Name is for progress messages; the default is the last element of the URL.
	Name string
}

// FetchOptions adjusts [Fetcher.FetchAll].
type FetchOptions struct {
	// Parallel is the number of transfers at a time; 0 means 8.
	Parallel int
	// Progress is told how far everything is, at most ten times a second and at the end.
	Progress func(Progress)
}

// Fetch gets one file and returns its path in the cache.
func (f *Fetcher) Fetch(ctx context.Context, item Item) (string, error) {
	return f.fetch(ctx, item, newMeter(nil, nil, f.options.Clock))
}

// FetchAll gets files in parallel and returns their paths in the cache, in the order of items. The
// first failure ends it; what has been transferred so far is kept. Errors are a
// [*HashMismatchError], a [*StatusError], or those of the network and the disk.
func (f *Fetcher) FetchAll(ctx context.Context, items []Item, o FetchOptions) ([]string, error) {
	if o.Parallel <= 0 {
		o.Parallel = perHost
	}
	m := newMeter(o.Progress, items, f.options.Clock)
	paths := make([]string, len(items))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.Parallel)
	for i, item := range items {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			path, err := f.fetch(ctx, item, m)
			paths[i] = path
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	m.finish()
	return paths, nil
}

// fetch looks into the cache, then transfers. A file that turns out wrong is transferred once more
// from its beginning: the beginning may be left from an older file, or damaged on its way.
func (f *Fetcher) fetch(ctx context.Context, item Item, m *meter) (string, error) {
	part, path, err := f.cache.begin(ctx, item.Checksums)
	if err != nil {
		return "", describe(item, err)
	}
	if part == nil {
		m.cached(item)
		return path, nil
	}
	defer part.unlock()
	t := m.start(item, part.size)
	for i, target := range append([]string{item.URL}, item.Mirrors...) {
		if i > 0 {
			f.options.Logger.Info("try the next mirror", "url", redact(target), "reason", err.Error())
		}
		item.URL = target
		if err = f.fetchFrom(ctx, item, part, t); err == nil || ctx.Err() != nil || errors.Is(err, unix.ENOSPC) {
			break
		}
	}
	if errors.As(err, new(*HashMismatchError)) {
		// It must not be taken up by the next attempt.
		return "", errors.Join(err, part.discard())
	}
	if err != nil {
		return "", err
	}
	t.finish()
	path, err = part.commit(path)
	if err != nil {
		return "", describe(item, err)
	}
	return path, nil
}

// fetchFrom gets a file from one place, at most twice.
func (f *Fetcher) fetchFrom(ctx context.Context, item Item, part *partial, t *track) error {
	err := f.transfer(ctx, item, part, t)
	var mismatch *HashMismatchError
	if errors.As(err, &mismatch) {
		f.options.Logger.Warn("download again from the beginning", "url", redact(item.URL), "reason", mismatch.Error())
		if err := part.reset(); err != nil {
			return describe(item, err)
		}
		t.restart()
		err = f.transfer(ctx, item, part, t)
	}
	if errors.As(err, &mismatch) {
		return errors.Join(describe(item, err), part.reset())
	}
	if err != nil {
		return describe(item, err)
	}
	return nil
}

// describe adds the URL to errors that do not have it.
func describe(item Item, err error) error {
	var mismatch *HashMismatchError
	var status *StatusError
	var network *url.Error
	if errors.As(err, &mismatch) || errors.As(err, &status) || errors.As(err, &network) {
		return err
	}
	return &os.PathError{Op: "download", Path: redact(item.URL), Err: err}
}
