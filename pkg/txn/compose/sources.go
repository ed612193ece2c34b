package compose

import (
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
	"github.com/apt-ostree/apt-ostree/pkg/apt/preferences"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// sources gives the APT sources of the treefile, or those of this machine that offer the release, and
// then further ones; and the machine's configuration, which knows the proxies.
func (c *Composer) sources(more []Repo) ([]source.Source, *conf.Config, error) {
	config, err := conf.Load(c.opts.Root)
	if err != nil {
		return nil, nil, err
	}
	sources, err := parseRepos(c.opts.Treefile.Repos)
	if err == nil && len(sources) == 0 {
		sources, err = c.machineSources(config)
	}
	if err != nil {
		return nil, nil, err
	}
	further, err := parseRepos(more)
	return append(sources, further...), config, err
}

func parseRepos(repos []Repo) ([]source.Source, error) {
	var sources []source.Source
	for i, r := range repos {
		s, err := r.sources()
		if err != nil {
			return nil, fmt.Errorf("repos: entry %d: %w", i+1, err)
		}
		sources = append(sources, s...)
	}
	return sources, nil
}

// machineSources are the sources of this machine whose suite is the release or a part of it, such
// as bookworm-security.
func (c *Composer) machineSources(config *conf.Config) ([]source.Source, error) {
	release := c.opts.Treefile.Releasever
	if release == "" {
		return nil, fmt.Errorf("treefile: neither repos nor releasever say where packages come from")
	}
	all, err := source.Load(c.opts.Root)
	if err != nil {
		return nil, err
	}
	found := source.Offering(source.ApplyConf(all, config), release)
	if len(found) == 0 {
		return nil, fmt.Errorf("no APT source of this machine offers %s; name one with `repos:` in the treefile", release)
	}
	return found, nil
}

// sources translates an entry of repos.
func (r Repo) sources() ([]source.Source, error) {
	if r.Line != "" {
		return source.ParseOneLine([]byte(r.Line), "repos")
	}
	s := source.Source{
		Types: []string{"deb"}, URIs: r.URIs, Suites: r.Suites, Components: r.Components, Architectures: r.Architectures,
		Trusted: r.Trusted, CheckValidUntil: r.CheckValidUntil, CheckDate: r.CheckDate,
	}
	for _, key := range r.SignedBy {
		switch {
		case strings.HasPrefix(key, "/"):
			s.SignedBy.Keyrings = append(s.SignedBy.Keyrings, key)
		case strings.Contains(key, "BEGIN PGP"):
			s.SignedBy.Key = key
		default:
			s.SignedBy.Fingerprints = append(s.SignedBy.Fingerprints, strings.ToUpper(key))
		}
	}
	return []source.Source{s}, s.Check()
}

// policy has the pins of this machine where its sources are used, and else those that archives ask for
// themselves: a treefile that names its sources gives the same tree on every machine.
func (c *Composer) policy(config *conf.Config) (*preferences.Policy, error) {
	o := preferences.Options{Architecture: c.opts.Treefile.Basearch}
	if len(c.opts.Treefile.Repos) > 0 {
		return preferences.NewPolicy(nil, o)
	}
	pins, err := preferences.Load(c.opts.Root)
	if err != nil {
		return nil, err
	}
	o.DefaultRelease = config.Get("APT::Default-Release")
	return preferences.NewPolicy(pins, o)
}

// overrideProxy lets the option win over what the configuration says of any host.
func (c *Composer) overrideProxy(config *conf.Config) {
	if c.opts.Proxy == "" {
		return
	}
	for _, name := range []string{"Acquire::http::Proxy", "Acquire::https::Proxy"} {
		config.Clear(name)
		config.Set(name, c.opts.Proxy)
	}
}
