package apt

import (
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
)

const (
	// minChunk is the least text that is worth a goroutine of its own.
	minChunk = 1 << 20
	// slab is how many packages are allocated at a time.
	slab = 256
)

// parseIndex reads the text of a Packages file and keeps what is wanted. A package that is malformed
// is left out with a warning: one bad entry of a third-party archive must not hide all others.
func (c *Client) parseIndex(text string, w wanted) ([]*Package, error) {
	chunks := splitIndex(text, runtime.GOMAXPROCS(0))
	parts := make([][]*Package, len(chunks))
	var group errgroup.Group
	for i, chunk := range chunks {
		group.Go(func() error {
			var err error
			parts[i], err = c.parseChunk(chunk, w)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(parts...), nil
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

func (c *Client) parseChunk(text string, w wanted) ([]*Package, error) {
	var packages []*Package
	var free []Package
	s := deb822.NewScanner(text, deb822.Options{})
	for s.Next() {
		if len(free) == 0 {
			free = make([]Package, slab)
		}
		p := &free[0]
		if err := parsePackage(p, s.Paragraph()); err != nil {
			c.options.Logger.Warn("a malformed package is left out", "archive", w.origin.URI, "error", err.Error())
			*p = Package{}
			continue
		}
		if !w.takes(p) {
			*p = Package{}
			continue
		}
		p.Origin = w.origin
		packages = append(packages, p)
		free = free[1:]
	}
	return packages, s.Err()
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
