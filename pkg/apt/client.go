package apt

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
)

// Progress tells how far a transfer is.
type Progress = archive.Progress

// ClientOptions configures a [Client]. CacheDir and Architecture are required.
type ClientOptions struct {
	// CacheDir keeps what was fetched: verified Release files in "releases", parsed package lists in
	// "lists", indexes and packages by their checksums next to them. Several processes may share it.
	CacheDir string
	// Architecture is the native architecture, ForeignArchitectures those to read besides.
	Architecture         string
	ForeignArchitectures []string
	// Root is where the paths of keyrings are taken from; "" means "/".
	Root string

	// HTTP makes the requests; nil means one tuned for archives that uses Proxy.
	HTTP *http.Client
	// Proxy selects a proxy if HTTP is nil, such as [conf.Config.Proxy]; nil means none.
	Proxy func(*http.Request) (*url.URL, error)
	// TLS has the certificates for a host if HTTP is nil, such as those of [conf.Config.TLS].
	TLS func(host string) (*tls.Config, error)
	// Authorize, if set, adds credentials to requests, such as [conf.Auth.Authorize].
	Authorize func(*http.Request)
	// Retries and Backoff are those of [archive.FetcherOptions].
	Retries int
	Backoff time.Duration

	// Offline makes Update and Download use the cache only. Signatures and dates are checked anyway.
	Offline bool
	// AllowReleaseInfoChange accepts archives whose Origin, Label or Codename has changed, see
	// [ReleaseInfoError].
	AllowReleaseInfoChange bool

	// Compressions are those of indexes to prefer, of "xz", "zst", "gz", "bz2" and "uncompressed", the
	// best first; others come after them.
	Compressions []string
	// Languages are those of descriptions, the best first; nil means English.
	Languages []string
	// Snapshot is the time, such as "20240210T000000Z", of sources with "Snapshot: enable", and Snapshots
	// says where archives have their snapshots, see [SnapshotURIs].
	Snapshot  string
	Snapshots SnapshotURIs

	// Progress is told how the transfers of Update go. It is called by one goroutine at a time.
	Progress func(Progress)
	// Clock tells the time for the dates of releases; nil means [time.Now].
	Clock func() time.Time
	// Logger gets warnings and repairs; nil means nobody.
	Logger *slog.Logger
}

// Client keeps a cache in step with archives. It is safe for concurrent use.
type Client struct {
	options ClientOptions
	cache   *archive.Cache
	fetcher *archive.Fetcher
	mirrors mirrors
}

// NewClient returns a client. It touches neither disk nor network.
func NewClient(o ClientOptions) (*Client, error) {
	if o.CacheDir == "" {
		return nil, errors.New("apt client: no cache directory given")
	}
	if o.Architecture == "" {
		return nil, errors.New("apt client: no architecture given")
	}
	if o.Root == "" {
		o.Root = "/"
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	cache := archive.NewCache(o.CacheDir)
	return &Client{
		options: o,
		cache:   cache,
		fetcher: archive.NewFetcher(cache, archive.FetcherOptions{
			HTTP: o.HTTP, Proxy: o.Proxy, TLS: o.TLS, Authorize: o.Authorize, Retries: o.Retries, Backoff: o.Backoff, Clock: o.Clock, Logger: o.Logger,
		}),
		mirrors: mirrors{lists: map[string]mirrorList{}},
	}, nil
}

// Close closes idle connections.
func (c *Client) Close() error { return c.fetcher.Close() }

// Clean empties the cache. Downloads of other processes that are under way are not disturbed more
// than having to start again.
func (c *Client) Clean() error {
	return errors.Join(c.cache.Clear(), c.states().clear(), fsx.RemoveAll(c.listsDir()))
}

func (c *Client) states() states { return states{filepath.Join(c.options.CacheDir, "releases")} }
