package apt

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/internal/listfile"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// maxPackages bounds the packages of one index, ten times those of the largest one there is: each takes
// memory besides its text.
const maxPackages = 1 << 20

// listed is a package of an index, with what it is sorted by.
type listed struct {
	listfile.Entry
	version version.Version
}

// compareListed is the order of a list: by name, the newest first.
func compareListed(a, b *listed) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), version.Compare(b.version, a.version))
}

// parseIndex reads a Packages file and keeps what is wanted, sorted by name and the newest first. It parses
// while more is unpacked. A package that is malformed is left out with a warning: one bad entry of a
// third-party archive must not hide all others.
func (c *Client) parseIndex(ctx context.Context, r source.Release, release *archive.Release, w wanted, progress func(Progress)) ([]listfile.Entry, error) {
	var parts []*[]*listed
	var count atomic.Int64
	group, parsing := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	err := c.readIndex(parsing, r, release, w.index, progress, func(text string) error {
		part := new([]*listed)
		parts = append(parts, part)
		group.Go(func() error {
			var err error
			*part, err = c.parsePart(text, w, &count)
			return err
		})
		return nil
	})
	if parseErr := group.Wait(); parseErr != nil {
		return nil, fmt.Errorf("index %s: %w", w.index.Path, parseErr)
	}
	if err != nil {
		return nil, err
	}
	var all []*listed
	for _, part := range parts {
		all = append(all, *part...)
	}
	slices.SortStableFunc(all, compareListed) // a merge, nearly nothing where the archive sorts as well
	entries := make([]listfile.Entry, len(all))
	for i, e := range all {
		entries[i] = e.Entry
	}
	return entries, nil
}

// parsePart parses some paragraphs, and sorts what it keeps.
func (c *Client) parsePart(text string, w wanted, count *atomic.Int64) ([]*listed, error) {
	var list []*listed
	s := deb822.NewScanner(text, deb822.Options{})
	for s.Next() {
		if count.Add(1) > maxPackages {
			return nil, fmt.Errorf("it has more than %d packages", maxPackages)
		}
		var p Package
		if err := parsePackage(&p, s.Paragraph()); err != nil {
			c.options.Logger.Warn("a malformed package is left out", "archive", w.origin.URI, "error", err.Error())
			continue
		}
		if !w.takes(&p) {
			continue
		}
		e := listfile.Entry{Name: p.Name, Summary: strings.ToLower(p.Summary), Stanza: p.raw, Essential: p.Essential}
		for _, r := range p.Provides {
			e.Provides = append(e.Provides, r.Name)
		}
		list = append(list, &listed{e, p.Version})
	}
	slices.SortStableFunc(list, compareListed)
	return list, s.Err()
}

func (w wanted) takes(p *Package) bool {
	if p.Architecture != "all" && !slices.Contains(w.want.Architectures, p.Architecture) {
		return false
	}
	if len(w.want.Include) > 0 {
		return slices.Contains(w.want.Include, p.Name)
	}
	return !slices.Contains(w.want.Exclude, p.Name)
}
