package apt

import (
	"cmp"
	"iter"
	"slices"

	"github.com/apt-ostree/apt-ostree/internal/nearest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// Universe is the immutable set of packages that some sources offer. It is safe for concurrent use.
//
// One that came from [Client.Update] reads its packages when they are asked for, from files that the
// client keeps. If such a file turns out to be damaged then, the package is left out and [Universe.Err]
// says so.
type Universe struct {
	store  store
	digest string
}

// store is where a universe has its packages.
type store interface {
	versions(name string) []*Package
	providers(name string) []*Package
	names() []string
	essential() []*Package
	err() error
	// search returns the newest package of each name, the one of the first source, whose name and
	// summary match.
	search(lower []string) []Match
}

// NewUniverse makes a universe of packages, which the caller must not change afterwards. The order
// is the preference of sources: of packages with the same name, architecture and version only the
// first is kept, as the place to download it from. nil entries are ignored.
func NewUniverse(packages []*Package) *Universe { return &Universe{store: newMemory(packages)} }

// Versions returns the packages of that name, of all architectures, the newest first; of equal
// versions that of the earlier source. The caller must not change the result.
func (u *Universe) Versions(name string) []*Package { return u.store.versions(name) }

// Providers returns the packages that have name in their Provides, sorted by their own names and
// then the newest first. Packages of that very name are not among them unless they say so. The
// caller must not change the result.
func (u *Universe) Providers(name string) []*Package { return u.store.providers(name) }

// Names returns the names of all packages, sorted. The caller must not change the result.
func (u *Universe) Names() []string { return u.store.names() }

// Essential returns the packages with Essential: yes, sorted by name and then the newest first.
func (u *Universe) Essential() []*Package { return u.store.essential() }

// Err returns the first error of reading a package, nil if there was none. Whoever draws conclusions
// from a package not being there asks afterwards.
func (u *Universe) Err() error { return u.store.err() }

// All iterates over all packages, sorted by name and then the newest first.
func (u *Universe) All() iter.Seq[*Package] {
	return func(yield func(*Package) bool) {
		for _, name := range u.Names() {
			for _, p := range u.Versions(name) {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// Len returns the number of packages. It looks at each of them.
func (u *Universe) Len() int {
	n := 0
	for _, name := range u.Names() {
		n += len(u.Versions(name))
	}
	return n
}

// Nearest returns up to n names of packages that look like name, the most alike first.
func (u *Universe) Nearest(name string, n int) []string { return nearest.Strings(name, u.Names(), n) }

// Digest identifies the state of the archives this universe was made from: it is a SHA-256 over the
// verified Release files and, in order, what was taken from each. It is "" for a universe that did
// not come from [Client.Update].
func (u *Universe) Digest() string { return u.digest }

// compareNewest sorts the newest version first.
func compareNewest(a, b *Package) int { return version.Compare(b.Version, a.Version) }

// compareInUniverse sorts by name and the newest version first.
func compareInUniverse(a, b *Package) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), compareNewest(a, b))
}

// dropRepeated removes packages that are equal to an earlier one, which then is also from where they
// are. Equal ones share a name and a version and therefore are close together.
func dropRepeated(sorted []*Package, alsoFrom func(p *Package, o *Origin) *Package) []*Package {
	kept := sorted[:0]
	for _, p := range sorted {
		repeated := false
		for i := len(kept) - 1; i >= 0 && kept[i].Name == p.Name && version.Compare(kept[i].Version, p.Version) == 0; i-- {
			// 1.0 and 1.00 are equal to dpkg, but apt keeps both; so do we.
			if kept[i].Architecture == p.Architecture && kept[i].Version == p.Version {
				repeated = true
				kept[i] = alsoFrom(kept[i], p.Origin)
			}
		}
		if !repeated {
			kept = append(kept, p)
		}
	}
	clear(sorted[len(kept):])
	return slices.Clip(kept)
}
