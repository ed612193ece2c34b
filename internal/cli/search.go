package cli

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

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
	exact   bool
}

// search sorts packages into the groups of matchGroups. With one term the first group needs it in
// both name and summary, with several each term in one of the two.
func search(u *apt.Universe, terms []string) map[string][]match {
	groups := map[string][]match{}
	seen := map[string]bool{}
	for p := range u.All() {
		if seen[p.Name] {
			continue
		}
		seen[p.Name] = true
		inName, inSummary, inEither, exact := 0, 0, 0, false
		for _, term := range terms {
			name, summary := contains(p.Name, term), contains(p.Summary, term)
			inName += toInt(name)
			inSummary += toInt(summary)
			inEither += toInt(name || summary)
			exact = exact || strings.EqualFold(p.Name, term)
		}
		group := ""
		switch n := len(terms); {
		case inName == n && inSummary == n, n > 1 && inEither == n && inName < n && inSummary < n:
			group = matchGroups[0]
		case inName == n:
			group = matchGroups[1]
		case inSummary == n:
			group = matchGroups[2]
		default:
			continue
		}
		groups[group] = append(groups[group], match{p.Name, p.Summary, exact})
	}
	for name, list := range groups {
		slices.SortFunc(list, func(x, y match) int {
			return cmp.Or(toInt(y.exact)-toInt(x.exact), cmp.Compare(x.Name, y.Name))
		})
		groups[name] = list[:min(len(list), maxMatches)]
	}
	return groups
}

func contains(text, term string) bool {
	text, term = strings.ToLower(text), strings.ToLower(term)
	if strings.ContainsAny(term, "*?[") {
		ok, err := filepath.Match(term, text)
		return ok && err == nil
	}
	return strings.Contains(text, term)
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
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
