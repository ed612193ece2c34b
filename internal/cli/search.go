package cli

import (
	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
)

// maxMatches bounds each group of `search`.
const maxMatches = 50

// matchGroups are the groups of `search`, in the order they are printed.
var matchGroups = []string{"Summary & Name Matched", "Name Matched", "Summary Matched"}

func (a *app) searchCommand() *cobra.Command {
	var asJSON, cacheOnly bool
	c := &cobra.Command{
		Use:   "search TERM...",
		Short: "Search packages in the archives",
		Long:  "Search the names and summaries of the packages that the system's archives offer. A term may be a glob.",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			system, err := a.system(c.Context())
			if err != nil {
				return err
			}
			defer system.Close()
			universe, err := system.Universe(c.Context(), cacheOnly)
			if err != nil {
				return err
			}
			groups := search(universe, args)
			if asJSON {
				return a.printJSON(groups)
			}
			a.printMatches(groups)
			return nil
		},
	}
	a.sysrootFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVarP(&cacheOnly, "cache-only", "C", false, "use what is downloaded already, no network")
	return c
}

// match is one line of `search`.
type match struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
}

// search sorts what matches into the groups of matchGroups. With one term the first group has it in
// both name and summary, with several each term in one of the two.
func search(u *apt.Universe, terms []string) map[string][]match {
	groups := map[string][]match{}
	for _, m := range u.Search(terms...) { // those that are called like a term come first
		group := matchGroups[2]
		switch {
		case m.Name && m.Summary:
			group = matchGroups[0]
		case m.Name:
			group = matchGroups[1]
		}
		if len(groups[group]) < maxMatches {
			groups[group] = append(groups[group], match{m.Package.Name, m.Package.Summary})
		}
	}
	return groups
}

func (a *app) printMatches(groups map[string][]match) {
	if len(groups) == 0 {
		a.printf("No matches found.\n")
	}
	for _, name := range matchGroups {
		if len(groups[name]) == 0 {
			continue
		}
		a.printf("\n===== %s =====\n", name)
		for _, m := range groups[name] {
			a.printf("%s : %s\n", m.Name, m.Summary)
		}
	}
}
