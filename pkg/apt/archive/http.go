package archive

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	// perHost is the number of connections to one server. More of them gain nothing measurable.
	perHost      = 8
	maxRedirects = 10
	userAgent    = "apt-ostree"
)

// NewTransport returns a transport that is tuned for archives: up to eight connections per server,
// no transparent decompression. proxy may be nil for none, or [conf.Config.Proxy].
func NewTransport(proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	return &http.Transport{
		Proxy:                 proxy,
		DialContext:           (&net.Dialer{Timeout: 20 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true,
		MaxConnsPerHost:       perHost,
		MaxIdleConnsPerHost:   perHost,
		IdleConnTimeout:       30 * time.Second,
		TLSHandshakeTimeout:   20 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// byHost is a transport that has other TLS settings for each host.
type byHost struct {
	base *http.Transport
	tls  func(host string) (*tls.Config, error)

	mu    sync.Mutex // guards what follows
	hosts map[string]*http.Transport
}

func (b *byHost) transport(host string) (*http.Transport, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.hosts[host]; t != nil {
		return t, nil
	}
	config, err := b.tls(host)
	if err != nil {
		return nil, err
	}
	t := b.base.Clone()
	t.TLSClientConfig = config
	b.hosts[host] = t
	return t, nil
}

// RoundTrip implements [http.RoundTripper].
func (b *byHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return b.base.RoundTrip(r)
	}
	t, err := b.transport(r.URL.Hostname())
	if err != nil {
		return nil, err
	}
	return t.RoundTrip(r)
}

// CloseIdleConnections is what [http.Client] calls.
func (b *byHost) CloseIdleConnections() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.base.CloseIdleConnections()
	for _, t := range b.hosts {
		t.CloseIdleConnections()
	}
}

// checkRedirect refuses to leave TLS once the user asked for it.
func checkRedirect(r *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	for _, earlier := range via {
		if earlier.URL.Scheme == "https" && r.URL.Scheme != "https" {
			return errors.New("redirected from https to " + r.URL.Scheme + ", which is refused")
		}
	}
	if r.URL.Scheme != "http" && r.URL.Scheme != "https" {
		return errors.New("redirected to the scheme " + r.URL.Scheme + ", which is refused")
	}
	return nil
}

// redact hides the password of a URL.
func redact(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Redacted()
}
