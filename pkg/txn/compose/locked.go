package compose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
)

// lockedSource is what the archives offer as far as the lockfiles allow it.
type lockedSource struct {
	*apt.Universe
	locks  map[string][]lock // by name
	native string
	strict bool
}

// lockSource applies lockfiles to what the archives offer. Without strict a version that no archive has
// is not insisted on; either way there is a warning.
func lockSource(u *apt.Universe, l *Lockfile, native string, strict bool) (s *lockedSource, warnings []string, err error) {
	s = &lockedSource{Universe: u, locks: map[string][]lock{}, native: native, strict: strict}
	for _, name := range slices.Sorted(maps.Keys(l.Packages)) {
		one, err := newLock(name, l.Packages[name])
		if err != nil {
			return nil, nil, fmt.Errorf("lockfile: package %q: %w", name, err)
		}
		found, err := s.find(one)
		if err != nil {
			return nil, nil, err
		}
		if !found {
			warnings = append(warnings, fmt.Sprintf("couldn't find locked package %s", one))
		}
		if found || strict {
			s.locks[one.name] = append(s.locks[one.name], one)
		}
	}
	return s, warnings, u.Err()
}

// find tells whether an archive has what is locked. The same version with other content is an error.
func (s *lockedSource) find(l lock) (found bool, err error) {
	var other *apt.Package
	for _, p := range s.Universe.Versions(l.name) {
		switch {
		case !s.about(l, p) || p.Version.Compare(l.version) != 0:
		case l.sha256 == "" || l.sha256 == p.SHA256:
			return true, nil
		default:
			other = p
		}
	}
	if other != nil {
		return false, fmt.Errorf("lockfile: %s: SHA256 is %s in %s and %s in the lockfile", l, other.SHA256, other.Origin, l.sha256)
	}
	return false, nil
}

// about tells whether a lock is about a package: whether it could stand in its place.
func (s *lockedSource) about(l lock, p *apt.Package) bool {
	return l.architecture == "" || l.architecture == p.Architecture || s.isNative(l.architecture) && s.isNative(p.Architecture)
}

func (s *lockedSource) isNative(architecture string) bool {
	return architecture == s.native || architecture == "all"
}

// allows tells whether the lockfiles allow a package.
func (s *lockedSource) allows(p *apt.Package) bool {
	locked := false
	for _, l := range s.locks[p.Name] {
		if !s.about(l, p) {
			continue
		}
		locked = true
		if l.meets(p) {
			return true
		}
	}
	return !locked && !s.strict
}

// meets tells whether a package is what is locked.
func (l lock) meets(p *apt.Package) bool {
	return l.name == p.Name && p.Version.Compare(l.version) == 0 &&
		(l.architecture == "" || l.architecture == p.Architecture) && (l.sha256 == "" || l.sha256 == p.SHA256)
}

// Versions implements solve.Source.
func (s *lockedSource) Versions(name string) []*apt.Package {
	return s.filter(s.Universe.Versions(name))
}

// Providers implements solve.Source.
func (s *lockedSource) Providers(name string) []*apt.Package {
	return s.filter(s.Universe.Providers(name))
}

// Essential is the part of solve.Source that a build from nothing needs.
func (s *lockedSource) Essential() []*apt.Package { return s.filter(s.Universe.Essential()) }

func (s *lockedSource) filter(list []*apt.Package) []*apt.Package {
	return slices.DeleteFunc(slices.Clone(list), func(p *apt.Package) bool { return !s.allows(p) })
}

// explain adds to an error of the solver that packages were hidden from it.
func (s *lockedSource) explain(err error) error {
	if err != nil && s.strict {
		return fmt.Errorf("only what is in the lockfile may be installed: %w", err)
	}
	return err
}

// unused is an error if a strict lockfile has packages that are not installed: something is missing from
// the treefile then.
func (s *lockedSource) unused(installed []*apt.Package) error {
	if !s.strict {
		return nil
	}
	var names []string
	for _, locks := range s.locks {
		for _, l := range locks {
			found, err := s.find(l)
			if err != nil {
				return err
			}
			if found && !slices.ContainsFunc(installed, l.meets) {
				names = append(names, l.String())
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return fmt.Errorf("lockfile: nothing asks for %s: ask for it in the treefile, or leave out --lockfile-strict", strings.Join(names, ", "))
}
