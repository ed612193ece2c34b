package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// TLSOptions say whom to trust and who we are. All files are PEM.
type TLSOptions struct {
	// Permissive accepts any certificate.
	Permissive bool
	// CAFile holds the only authorities to trust. Empty means those of the system.
	CAFile string
	// CertFile and KeyFile identify us to the server.
	CertFile, KeyFile string
}

const (
	connectTimeout   = 30 * time.Second
	handshakeTimeout = 30 * time.Second
	idleTimeout      = 90 * time.Second
	maxHeaderBytes   = 64 << 10
)

func newTransport(o Options) (*http.Transport, error) {
	config, err := o.TLS.config()
	if err != nil {
		return nil, err
	}
	proxy := o.ProxyFor
	if o.Proxy != "" {
		u, err := parseProxy(o.Proxy)
		if err != nil {
			return nil, err
		}
		proxy = http.ProxyURL(u)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(!o.HTTP1)
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    handshakeTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConnsPerHost:    o.MaxRequests,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         64 << 10,
		Protocols:              protocols,
		// Objects are compressed already, and ranges need the bytes as they are.
		DisableCompression: true,
	}, nil
}

func parseProxy(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		// A bare HOST:PORT means HTTP, as elsewhere.
		if u, err = url.Parse("http://" + text); err != nil {
			return nil, fmt.Errorf("proxy %q is not a URL", text)
		}
	}
	return u, nil
}

func (o TLSOptions) config() (*tls.Config, error) {
	//nolint:gosec // the configuration of the remote asks for it by name
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.Permissive}
	if o.CAFile != "" {
		data, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls authorities: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("tls authorities: %s holds no certificate", o.CAFile)
		}
	}
	if o.CertFile == "" && o.KeyFile == "" {
		return config, nil
	}
	if o.CertFile == "" || o.KeyFile == "" {
		return nil, errors.New("tls client certificate: certificate and key must both be set")
	}
	pair, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls client certificate: %w", err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}
