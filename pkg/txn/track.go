package txn

import (
	"maps"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
)

// repoKey begins an element of an origin's list of replacements that follow an archive, which is
// repo=SUITE,PACKAGE,PACKAGE.
const repoKey = "repo="

// tracked gives the packages of the base, NAME[:ARCH], that are to be those of a suite, by suite.
func tracked(o *origin.Origin) map[string][]string {
	out := map[string][]string{}
	for _, element := range o.OverrideReplace {
		fields := strings.Split(element, ",")
		if suite, ok := strings.CutPrefix(fields[0], repoKey); ok {
			out[suite] = append(out[suite], fields[1:]...)
		}
	}
	return out
}

// track adds a package to those of a suite.
func track(o *origin.Origin, suite, word string) {
	all := tracked(o)
	all[suite] = append(all[suite], word)
	setTracked(o, all)
}

// untrack drops a package from whatever suite has it, and says whether one had.
func untrack(o *origin.Origin, word string) bool {
	all, found := tracked(o), false
	for suite, words := range all {
		if slices.Contains(words, word) {
			all[suite], found = without(words, word), true
		}
	}
	if found {
		setTracked(o, all)
	}
	return found
}

// setTracked writes the list in one order.
func setTracked(o *origin.Origin, all map[string][]string) {
	o.OverrideReplace = nil
	for _, suite := range slices.Sorted(maps.Keys(all)) {
		if words := distinct(all[suite]); len(words) > 0 {
			o.OverrideReplace = append(o.OverrideReplace, repoKey+suite+","+strings.Join(words, ","))
		}
	}
}
