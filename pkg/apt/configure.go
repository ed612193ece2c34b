package apt

import (
	"crypto/tls"
	"net/http"

	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
)

// Configure fills in what apt.conf(5) and apt_auth.conf(5) below Root say about transports: proxies,
// certificates, credentials, Acquire::Retries, Acquire::AllowReleaseInfoChange, the order of compressions
// (Acquire::CompressionTypes::Order), Acquire::Languages, and snapshots. What is set already stays.
func (o *ClientOptions) Configure(c *conf.Config) error {
	root := o.Root
	if root == "" {
		root = "/"
	}
	auth, err := conf.LoadAuth(root)
	if err != nil {
		return err
	}
	if o.Authorize == nil {
		o.Authorize = func(r *http.Request) { auth.Authorize(r) }
	}
	if o.Proxy == nil {
		o.Proxy = c.Proxy
	}
	if o.TLS == nil {
		o.TLS = func(host string) (*tls.Config, error) { return c.TLS(root, host) }
	}
	if o.Retries == 0 {
		if o.Retries = c.Int("Acquire::Retries", 0); c.Get("Acquire::Retries") == "0" {
			o.Retries = -1
		}
	}
	o.AllowReleaseInfoChange = o.AllowReleaseInfoChange || c.Bool("Acquire::AllowReleaseInfoChange", false)
	if o.Compressions == nil {
		o.Compressions = compressions(c)
	}
	if o.Languages == nil {
		o.Languages = c.List("Acquire::Languages")
		if one := c.Get("Acquire::Languages"); one != "" {
			o.Languages = append(o.Languages, one)
		}
	}
	if o.Snapshot == "" {
		o.Snapshot = c.Get("APT::Snapshot")
	}
	if o.Snapshots.isZero() {
		o.Snapshots = snapshotURIs(c)
	}
	return nil
}

// compressions reads the order of preference.
func compressions(c *conf.Config) []string {
	order := c.List("Acquire::CompressionTypes::Order")
	if one := c.Get("Acquire::CompressionTypes::Order"); one != "" {
		order = append([]string{one}, order...)
	}
	for i, name := range order {
		if name == "none" {
			order[i] = "uncompressed"
		}
	}
	return order
}
