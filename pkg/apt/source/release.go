package source

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Release is one release of one archive, with everything that sources want of it.
type Release struct {
	// URI is the base of the archive, with a slash at the end.
	URI string
	// Suite is the directory below dists, or for a flat archive the path below URI, with a slash at
	// the end ("/" is URI itself).
	Suite string
	// Wants are the indexes to read, in the order of the sources.
	Wants []Want
	// Options are the options that concern the whole release: SignedBy, Trusted, the checks, ByHash
	// and Snapshot. They come from the first source; others agree with it.
	Options Source
}

// Want is a component of a release that a source asks for.
type Want struct {
	Component     string // "" in a flat archive
	Architectures []string
	Include       []string
	Exclude       []string
}

// Flat reports whether the suite is a path rather than a directory below dists.
func (r Release) Flat() bool { return strings.HasSuffix(r.Suite, "/") }

// Base returns the URL of the directory that holds the Release file, with a slash at the end.
func (r Release) Base() string { return r.URI + r.Dir() }

// Dir returns the directory that holds the Release file, below URI and with a slash at the end.
func (r Release) Dir() string {
	if r.Flat() {
		return strings.TrimPrefix(strings.TrimPrefix(r.Suite, "./"), "/")
	}
	return "dists/" + r.Suite + "/"
}

// String returns "URI suite", as apt names releases.
func (r Release) String() string { return r.URI + " " + r.Suite }

// Releases lists what the enabled entries of type deb refer to, in their order. native and foreign
// are the architectures of the system. Entries that disagree about the options of a release are an
// error, because it would be left to chance which keys are trusted.
func Releases(sources []Source, native string, foreign []string) ([]Release, error) {
	var releases []Release
	index := make(map[[2]string]int)
	for _, s := range sources {
		if s.Disabled || len(s.Types) > 0 && !slices.Contains(s.Types, "deb") {
			continue
		}
		if err := s.Check(); err != nil {
			return nil, fmt.Errorf("source %s: %w", s, err)
		}
		for _, uri := range s.URIs {
			uri = strings.TrimRight(strings.ReplaceAll(uri, "$(ARCH)", native), "/") + "/"
			for _, suite := range s.Suites {
				suite = strings.ReplaceAll(suite, "$(ARCH)", native)
				i, found := index[[2]string{uri, suite}]
				if !found {
					i = len(releases)
					index[[2]string{uri, suite}] = i
					releases = append(releases, Release{URI: uri, Suite: suite, Options: s})
				} else if field := conflict(releases[i].Options, s); field != "" {
					return nil, fmt.Errorf("sources %s and %s disagree about %s of %s %s: give both the same value", releases[i].Options, s, field, uri, suite)
				}
				releases[i].Wants = append(releases[i].Wants, s.wants(append([]string{native}, foreign...))...)
			}
		}
	}
	return releases, nil
}

func (s Source) wants(configured []string) []Want {
	archs := configured
	if len(s.Architectures) > 0 {
		archs = s.Architectures
	}
	archs = append(slices.Clone(archs), s.ArchitecturesAdd...)
	var kept []string
	for _, a := range archs {
		if !slices.Contains(kept, a) && !slices.Contains(s.ArchitecturesRemove, a) {
			kept = append(kept, a)
		}
	}
	components := s.Components
	if len(components) == 0 {
		components = []string{""}
	}
	var wants []Want
	for _, c := range components {
		wants = append(wants, Want{Component: c, Architectures: kept, Include: s.Include, Exclude: s.Exclude})
	}
	return wants
}

// conflict names the first option of a release in which a and b differ.
func conflict(a, b Source) string {
	for _, f := range []struct {
		name string
		a, b any
	}{
		{"Signed-By", a.SignedBy, b.SignedBy},
		{"Trusted", a.Trusted, b.Trusted},
		{"Check-Valid-Until", a.CheckValidUntil, b.CheckValidUntil},
		{"Check-Date", a.CheckDate, b.CheckDate},
		{"Valid-Until-Min", a.ValidUntilMin, b.ValidUntilMin},
		{"Valid-Until-Max", a.ValidUntilMax, b.ValidUntilMax},
		{"Date-Max-Future", a.DateMaxFuture, b.DateMaxFuture},
		{"By-Hash", a.ByHash, b.ByHash},
		{"Snapshot", a.Snapshot, b.Snapshot},
	} {
		if !reflect.DeepEqual(f.a, f.b) {
			return f.name
		}
	}
	return ""
}
