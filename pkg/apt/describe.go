package apt

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// Description is what a package is, in one language.
type Description struct {
	Language string // such as "en" or "pt_BR"
	// Summary is one line, Text the paragraphs after it, separated by empty lines.
	Summary, Text string
}

// Describe returns the descriptions of packages in the best of the client's languages that their archives
// have them in. Archives such as Debian's publish long descriptions and translations in indexes of their own,
// which are fetched when they are first needed, from the archives as they are now. Where there is none, the
// description is that of the package itself.
func (c *Client) Describe(ctx context.Context, sources []source.Source, packages []*Package) (map[*Package]Description, error) {
	found := make(map[*Package]Description, len(packages))
	wanted := map[string][]*Package{} // by checksum of the English text
	for _, p := range packages {
		found[p] = Description{Language: "en", Summary: p.Summary, Text: p.Description}
		if sum := strings.ToLower(p.Paragraph().Get("Description-md5")); sum != "" {
			wanted[sum] = append(wanted[sum], p)
		}
	}
	if len(wanted) == 0 {
		return found, nil
	}
	releases, err := c.releases(ctx, sources)
	if err != nil {
		return nil, err
	}
	languages := c.languages()
	for _, language := range slices.Backward(languages) { // better ones replace worse ones
		for _, r := range releases {
			for _, component := range components(r, packages) {
				err := c.describe(ctx, r, component, language, wanted, found)
				if err != nil {
					return nil, nameArchive(r.source, err)
				}
			}
		}
	}
	return found, nil
}

// languages are those of the options, as archives call them: "environment" depends on a user, whom nobody
// knows here, and "none" ends the list.
func (c *Client) languages() []string {
	if c.options.Languages == nil {
		return []string{"en"}
	}
	list := slices.DeleteFunc(slices.Clone(c.options.Languages), func(l string) bool { return l == "environment" })
	if end := slices.Index(list, "none"); end >= 0 {
		list = list[:end]
	}
	return list
}

// components of a release that packages are from.
func components(r current, packages []*Package) []string {
	var list []string
	for _, p := range packages {
		for _, o := range append([]*Origin{p.Origin}, p.AlsoFrom...) {
			if o != nil && o.URI == r.source.URI && o.Suite == newOrigin(r.source, r.release, "").Suite && !slices.Contains(list, o.Component) {
				list = append(list, o.Component)
			}
		}
	}
	return list
}

// describe reads one index.
func (c *Client) describe(ctx context.Context, r current, component, language string, wanted map[string][]*Package, found map[*Package]Description) error {
	x := r.release.Translation(component, language)
	if x == nil || x.Empty() {
		return nil
	}
	return c.readIndex(ctx, r.source, r.release, x, nil, func(text string) error {
		if err := describeIn(text, language, wanted, found); err != nil {
			return fmt.Errorf("%s: %w", x.Path, err)
		}
		return nil
	})
}

// describeIn reads a part of an index.
func describeIn(text, language string, wanted map[string][]*Package, found map[*Package]Description) error {
	s := deb822.NewScanner(text, deb822.Options{})
	for s.Next() {
		p := s.Paragraph()
		for _, pkg := range wanted[strings.ToLower(p.Get("Description-md5"))] {
			value := cmp.Or(p.Get("Description-"+language), p.Get("Description"))
			// The same text may describe several packages, and other packages may have been described alike.
			if pkg.Name != strings.ToLower(p.Get("Package")) || value == "" {
				continue
			}
			summary, text := splitDescription(value)
			found[pkg] = Description{language, strings.Clone(summary), strings.Clone(text)}
		}
	}
	return s.Err()
}
