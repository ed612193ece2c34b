package apt

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/internal/listfile"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// maxPackages bounds the packages of one index, ten times those of the largest one there is: each takes
// memory besides its text.
const maxPackages = 1 << 20

// minChunk is the least text that is worth a goroutine of its own.
const minChunk = 1 << 20

// listed is a package of an index, with what it is sorted by.
type listed struct {
	listfile.Entry
	version version.Version
}

// parseIndex reads the text of a Packages file and keeps what is wanted, sorted by name and the newest
// first. A package that is malformed is left out with a warning: one bad entry of a third-party archive
// must not hide all others.
func (c *Client) parseIndex(text string, w wanted) ([]listfile.Entry, error) {
	chunks := splitIndex(text, runtime.GOMAXPROCS(0))
	parts := make([][]listed, len(chunks))
	var count atomic.Int64
	var group errgroup.Group
	for i, chunk := range chunks {
		group.Go(func() error {
			var err error
			parts[i], err = c.parseChunk(chunk, w, &count)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := slices.Concat(parts...)
	slices.SortStableFunc(all, func(a, b listed) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), version.Compare(b.version, a.version))
	})
	entries := make([]listfile.Entry, len(all))
	for i := range all {
		entries[i] = all[i].Entry
	}
	return entries, nil
}

// splitIndex cuts a text into about n parts between paragraphs.
func splitIndex(text string, n int) []string {
	size := max(len(text)/n+1, minChunk)
	var chunks []string
	for len(text) > size {
		end := strings.Index(text[size:], "\n\n")
		if end < 0 {
			break
		}
		chunks = append(chunks, text[:size+end+2])
		text = text[size+end+2:]
	}
	return append(chunks, text)
}

func (c *Client) parseChunk(text string, w wanted, count *atomic.Int64) ([]listed, error) {
	var list []listed
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
		e := listfile.Entry{Name: p.Name, Summary: p.Summary, Stanza: p.raw, Essential: p.Essential}
		for _, r := range p.Provides {
			e.Provides = append(e.Provides, r.Name)
		}
		list = append(list, listed{e, p.Version})
	}
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
