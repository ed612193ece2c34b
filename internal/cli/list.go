package cli

import (
	"context"
	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) listCommand() *cobra.Command {
	var asJSON, upgradable, cacheOnly bool
	var f listFilter
	c := &cobra.Command{
		Use:     "list [PATTERN...]",
		Example: "  apt-ostree list --upgradable",
		Short:   "List the packages of the default deployment",
		RunE: func(c *cobra.Command, args []string) error {
			return onSystem(c, a.archives, func(ctx context.Context, system *txn.System) error {
				installed, err := system.Installed(ctx)
				if err != nil {
					return err
				}
				var universe *apt.Universe
				if upgradable {
					if universe, err = system.Universe(ctx, cacheOnly); err != nil {
						return err
					}
				}
				return a.printList(rows(installed, universe, args, f), asJSON)
			})
		},
	}
	a.sysrootFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&f.layered, "layered", false, "only layered packages")
	c.Flags().BoolVar(&f.local, "local", false, "only packages from files")
	c.Flags().BoolVar(&f.overrides, "overrides", false, "only packages in the place of others of the base")
	c.Flags().BoolVar(&f.base, "base", false, "only packages of the base")
	c.Flags().BoolVar(&upgradable, "upgradable", false, "only packages of which the archives have a newer version")
	c.Flags().BoolVarP(&cacheOnly, "cache-only", "C", false, "use what is downloaded already, no network")
	return c
}

// listFilter chooses packages by where they come from; several choices add up, none is all.
type listFilter struct{ layered, local, overrides, base bool }

func (f listFilter) shows(layer txn.Layer) bool {
	if f == (listFilter{}) {
		return true
	}
	switch layer {
	case txn.LayerBase:
		return f.base
	case txn.LayerLocal:
		return f.local || f.layered
	case txn.LayerReplaced:
		return f.overrides
	case txn.LayerRequest, txn.LayerDepends:
		return f.layered
	}
	return false
}

// row is one line of `list`.
type row struct {
	Name         string    `json:"name"`
	Version      string    `json:"version"`
	Architecture string    `json:"architecture"`
	Layer        txn.Layer `json:"layer"`
	Candidate    string    `json:"candidate,omitempty"`
}

func rows(installed []txn.InstalledPackage, universe *apt.Universe, patterns []string, f listFilter) []row {
	out := []row{}
	for _, p := range installed {
		if !matches(p.Name, patterns) || !f.shows(p.Layer) {
			continue
		}
		r := row{Name: p.Name, Version: p.Version.String(), Architecture: p.Architecture, Layer: p.Layer}
		if universe != nil {
			newest := candidate(universe, p.Package)
			if newest == nil || newest.Version.Compare(p.Version) <= 0 {
				continue
			}
			r.Candidate = newest.Version.String()
		}
		out = append(out, r)
	}
	return out
}

// candidate is the newest version of a package's name and architecture.
func candidate(u *apt.Universe, p *apt.Package) *apt.Package {
	for _, v := range u.Versions(p.Name) {
		if v.Architecture == p.Architecture || v.Architecture == "all" || p.Architecture == "all" {
			return v
		}
	}
	return nil
}

func (a *app) printList(list []row, asJSON bool) error {
	if asJSON {
		return a.printJSON(list)
	}
	for _, r := range list {
		a.printf("%s_%s_%s [%s]", r.Name, r.Version, r.Architecture, r.Layer)
		if r.Candidate != "" {
			a.printf(" -> %s", r.Candidate)
		}
		a.printf("\n")
	}
	return nil
}
