package cli

import "github.com/apt-ostree/apt-ostree/pkg/apt"

// SearchNames is what `search` finds: names by group.
func SearchNames(u *apt.Universe, terms ...string) map[string][]string {
	names := map[string][]string{}
	for group, list := range search(u, terms) {
		for _, m := range list {
			names[group] = append(names[group], m.Name)
		}
	}
	return names
}
