package fetch

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// Options say how a client behaves. The zero value is useful.
type Options struct {
	// UserAgent is sent with every request; empty means none.
	UserAgent string
	// Header holds further fields to send.
	Header http.Header
	// Proxy is the URL of a proxy for everything. Empty means what ProxyFor says.
	Proxy string
	// ProxyFor chooses a proxy for a request, as http.ProxyFromEnvironment does.
	// Nil means none.
	ProxyFor func(*http.Request) (*url.URL, error)
	// TLS says whom to trust and who we are.
	TLS TLSOptions
	// Jar holds the cookies to send. Nil means none.
	Jar *Jar
	// HTTP1 leaves HTTP/2 out.
	HTTP1 bool
	// Retries is how often a request is repeated after an error that may be gone
	// next time. Zero means 5, negative none.
	Retries int
	// Backoff is the pause before the first repetition; it doubles with each one.
	// Zero means 100 ms.
	Backoff time.Duration
	// MaxRequests is how many transfers run at a time. Zero means 8.
	MaxRequests int
	// LowSpeed is the number of bytes per second that a transfer must reach within
	// LowSpeedTime. Zero means 1000, negative no limit.
	LowSpeed int64
	// LowSpeedTime is how long a transfer may be slower. Zero means 30 seconds.
	LowSpeedTime time.Duration
}

const (
	defaultRetries      = 5
	defaultBackoff      = 100 * time.Millisecond
	defaultMaxRequests  = 8
	defaultLowSpeed     = 1000
	defaultLowSpeedTime = 30 * time.Second
)

// withDefaults returns the options with every zero replaced.
func (o Options) withDefaults() Options {
	if o.Retries == 0 {
		o.Retries = defaultRetries
	}
	o.Retries = max(o.Retries, 0)
	if o.Backoff == 0 {
		o.Backoff = defaultBackoff
	}
	if o.MaxRequests <= 0 {
		o.MaxRequests = defaultMaxRequests
	}
	if o.LowSpeed == 0 {
		o.LowSpeed = defaultLowSpeed
	}
	if o.LowSpeedTime <= 0 {
		o.LowSpeedTime = defaultLowSpeedTime
	}
	return o
}

// A Client makes requests. Close it to let its connections go.
type Client struct {
	opts      Options
	transport *http.Transport
	header    http.Header // of every request, shared and never written to
	gate      *gate
	reached   atomic.Bool // some server has answered
	requests  atomic.Int64
	bytes     atomic.Int64
}

// New returns a client. It reads the files that the TLS options name.
func New(opts Options) (*Client, error) {
	opts = opts.withDefaults()
	transport, err := newTransport(opts)
	if err != nil {
		return nil, err
	}
	header := opts.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	// net/http writes its own name when there is no field at all.
	if _, ok := header["User-Agent"]; !ok {
		header["User-Agent"] = []string{opts.UserAgent}
	}
	return &Client{opts: opts, transport: transport, header: header, gate: newGate(opts.MaxRequests)}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// MaxRequests returns how many transfers run at a time.
func (c *Client) MaxRequests() int { return c.opts.MaxRequests }

// Stats are what a client has done so far.
type Stats struct {
	Requests int64 // sent, repetitions included
	Bytes    int64 // of bodies received
}

// Stats returns a snapshot.
func (c *Client) Stats() Stats {
	return Stats{Requests: c.requests.Load(), Bytes: c.bytes.Load()}
}
