package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/internal/inroot"
)

// Load reads the configuration of the system at root, "/" for the running one: the files of
// /etc/apt/apt.conf.d without an extension or with .conf, sorted by name, then /etc/apt/apt.conf.
// Later values replace earlier ones. Missing files are no error.
func Load(root string) (*Config, error) {
	parts, err := inroot.Parts(root, "etc/apt/apt.conf.d", "", ".conf")
	if err != nil {
		return nil, err
	}
	c := new(Config)
	for _, file := range append(parts, "etc/apt/apt.conf") {
		if err := c.load(root, file, 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return c, nil
}

func (c *Config) load(root, file string, depth int) error {
	data, err := inroot.ReadFile(root, file)
	if err != nil {
		return err
	}
	return c.parse(data, "/"+strings.TrimPrefix(file, "/"), func(included string) error {
		if depth >= maxDepth {
			return fmt.Errorf("more than %d files include each other", maxDepth)
		}
		if err := c.load(root, included, depth+1); err != nil {
			// A missing included file, unlike a missing apt.conf, is a mistake.
			return fmt.Errorf("include %s: %s", included, err.Error())
		}
		return nil
	})
}

// Proxy returns the proxy that the options Acquire::http::Proxy and Acquire::https::Proxy name for a
// request, in the form that [http.Transport] wants. The option of the host below them takes
// precedence, and "DIRECT" stands for none. Without an option it is nil: no proxy.
func (c *Config) Proxy(r *http.Request) (*url.URL, error) {
	value := c.proxy(r.URL.Scheme, r.URL.Hostname())
	if value == "" || strings.EqualFold(value, "DIRECT") || strings.EqualFold(value, "false") {
		return nil, nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("apt.conf: proxy %q for %s is not a URL", value, r.URL.Hostname())
	}
	return u, nil
}

func (c *Config) proxy(scheme, host string) string {
	schemes := []string{scheme}
	if scheme == "https" {
		// As in apt, https falls back on the proxy for http.
		schemes = append(schemes, "http")
	}
	for _, s := range schemes {
		for _, name := range []string{"Acquire::" + s + "::Proxy::" + host, "Acquire::" + s + "::Proxy"} {
			if value := c.Get(name); value != "" {
				return value
			}
		}
	}
	return ""
}
