package source

import (
	"slices"
	"strings"
)

// Offering returns the enabled sources of binary packages that offer a release: those with its
// codename as suite, or with a part of it such as bookworm-security, reduced to these suites. The
// argument is not changed.
func Offering(sources []Source, release string) []Source {
	var found []Source
	for _, s := range sources {
		s.Suites = slices.DeleteFunc(slices.Clone(s.Suites), func(suite string) bool {
			return suite != release && !strings.HasPrefix(suite, release+"-")
		})
		if len(s.Suites) > 0 && !s.Disabled && (len(s.Types) == 0 || slices.Contains(s.Types, "deb")) {
			s.Types = []string{"deb"}
			found = append(found, s)
		}
	}
	return found
}
