package cli

import (
	"context"
	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// maxMatches bounds each group of `search`.
const maxMatches = 50

// matchGroups are the groups of `search`, in the order they are printed.
var matchGroups = []string{"Summary & Name Matched", "Name Matched", "Summary Matched"}

func (a *app) searchCommand() *cobra.Command {
	var asJSON, cacheOnly bool
	var limit int
	c := &cobra.Command{
		Use:     "search TERM...",
		Example: "  apt-ostree search web server",
		Short:   "Search packages in the archives",
		Long:    "Search the names and summaries of the packages that the system's archives offer. A term may be a glob.",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return onSystem(c, a.archives, func(ctx context.Context, system *txn.System) error {
				universe, err := system.Universe(ctx, cacheOnly)
				if err != nil {
					return err
				}
				groups := search(universe, args)
				more := limitMatches(groups, limit)
				if asJSON {
					return a.printJSON(groups)
				}
				a.printMatches(groups, more)
				return nil
			})
		},
	}
	a.sysrootFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVarP(&cacheOnly, "cache-only", "C", false, "use what is downloaded already, no network")
	c.Flags().IntVar(&limit, "limit", maxMatches, "print at most `N` packages of each group, 0 for all")
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
		groups[group] = append(groups[group], match{m.Package.Name, m.Package.Summary})
	}
	return groups
}

// limitMatches cuts each group and tells how many were left out of it.
func limitMatches(groups map[string][]match, limit int) map[string]int {
	more := map[string]int{}
	for name, list := range groups {
		if limit > 0 && len(list) > limit {
			more[name] = len(list) - limit
			groups[name] = list[:limit]
		}
	}
	return more
}

func (a *app) printMatches(groups map[string][]match, more map[string]int) {
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
		if n := more[name]; n > 0 {
			a.printf("%d more; see them with --limit=0\n", n)
		}
	}
}
