package apt

import (
	"cmp"
	"iter"
	"slices"

	"github.com/apt-ostree/apt-ostree/internal/nearest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// Universe is the immutable set of packages that some sources offer. It is safe for concurrent use.
type Universe struct {
	packages  []*Package      // by name, newest first
	names     []string        // sorted
	spans     map[string]span // name → its packages
	providers map[string][]*Package
	digest    string
}

type span struct{ from, to int }

// NewUniverse makes a universe of packages, which the caller must not change afterwards. The order
// is the preference of sources: of packages with the same name, architecture and version only the
// first is kept, as the place to download it from. nil entries are ignored.
func NewUniverse(packages []*Package) *Universe {
	u := &Universe{packages: slices.DeleteFunc(slices.Clone(packages), func(p *Package) bool { return p == nil })}
	slices.SortStableFunc(u.packages, func(a, b *Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), version.Compare(b.Version, a.Version))
	})
	u.packages = dropRepeated(u.packages)
	u.spans = make(map[string]span, len(u.packages))
	for from := 0; from < len(u.packages); {
		to := from + 1
		for to < len(u.packages) && u.packages[to].Name == u.packages[from].Name {
			to++
		}
		u.names = append(u.names, u.packages[from].Name)
		u.spans[u.packages[from].Name] = span{from, to}
		from = to
	}
	u.providers = providers(u.packages)
	return u
}

// dropRepeated removes packages that are equal to an earlier one. Equal ones share a name and a
// version and therefore are close together.
func dropRepeated(sorted []*Package) []*Package {
	kept := sorted[:0]
	for _, p := range sorted {
		repeated := false
		for i := len(kept) - 1; i >= 0 && kept[i].Name == p.Name && version.Compare(kept[i].Version, p.Version) == 0; i-- {
			// 1.0 and 1.00 are equal to dpkg, but apt keeps both; so do we.
			repeated = repeated || kept[i].Architecture == p.Architecture && kept[i].Version == p.Version
		}
		if !repeated {
			kept = append(kept, p)
		}
	}
	clear(sorted[len(kept):])
	return kept
}

func providers(packages []*Package) map[string][]*Package {
	m := make(map[string][]*Package)
	for _, p := range packages {
		for _, r := range p.Provides {
			// One package may provide several versions of one name.
			if have := m[r.Name]; len(have) == 0 || have[len(have)-1] != p {
				m[r.Name] = append(have, p)
			}
		}
	}
	return m
}

// Versions returns the packages of that name, of all architectures, the newest first; of equal
// versions that of the earlier source. The caller must not change the result.
func (u *Universe) Versions(name string) []*Package {
	s := u.spans[name]
	return u.packages[s.from:s.to:s.to]
}

// Providers returns the packages that have name in their Provides, sorted by their own names and
// then the newest first. Packages of that very name are not among them unless they say so. The
// caller must not change the result.
func (u *Universe) Providers(name string) []*Package { return u.providers[name] }

// All iterates over all packages, sorted by name and then the newest first.
func (u *Universe) All() iter.Seq[*Package] { return slices.Values(u.packages) }

// Len returns the number of packages.
func (u *Universe) Len() int { return len(u.packages) }

// Names returns the names of all packages, sorted. The caller must not change the result.
func (u *Universe) Names() []string { return u.names }

// Nearest returns up to n names of packages that look like name, the most alike first.
func (u *Universe) Nearest(name string, n int) []string { return nearest.Strings(name, u.names, n) }

// Digest identifies the state of the archives this universe was made from: it is a SHA-256 over the
// verified Release files and, in order, what was taken from each. It is "" for a universe that did
// not come from [Client.Update].
func (u *Universe) Digest() string { return u.digest }
