package assemble

import (
	"context"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
)

// usrLinks returns the names at the top that are links into /usr. Since Debian
// 13 base-files ships them; before, whoever makes the tree must.
func (b *builder) usrLinks(ctx context.Context, essential []*apt.Package) ([]string, error) {
	for _, p := range essential {
		if p.Name != "base-files" {
			continue
		}
		shipped, err := b.shippedLinks(ctx, p)
		if err != nil || len(shipped) > 0 {
			return shipped, err
		}
	}
	return append([]string{"bin", "lib", "sbin"}, libraryLinks(b.native(essential))...), nil
}

// shippedLinks are the links from the top into /usr that a package has.
func (b *builder) shippedLinks(ctx context.Context, p *apt.Package) ([]string, error) {
	var links []string
	err := b.openDeb(p, func(r *deb.Reader) error {
		for entry, err := range r.Data(ctx) {
			if err != nil {
				return err
			}
			if entry.Type == deb.Symlink && strings.TrimPrefix(entry.Target, "/") == "usr/"+entry.Path {
				links = append(links, entry.Path)
			}
		}
		return nil
	})
	slices.Sort(links)
	return links, err
}

// libraryLinks are the library directories of an architecture's other ABIs.
// The list is that of debootstrap's setup_merged_usr, so that trees made either
// way are equal.
func libraryLinks(arch string) []string {
	switch arch {
	case "amd64", "x32":
		return []string{"lib32", "lib64", "libx32"}
	case "i386":
		return []string{"lib64", "libx32"}
	case "mips", "mipsel", "ppc64", "sparc64", "loong64":
		return []string{"lib32", "lib64"}
	case "mips64", "mips64el", "mipsn32", "mipsn32el":
		return []string{"lib32", "lib64", "libo32"}
	case "powerpc", "ppc64el", "sparc":
		return []string{"lib64"}
	case "s390x":
		return []string{"lib32"}
	}
	return nil
}
