package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// providesFlags are the options of `provides`.
type providesFlags struct {
	json, installed, cacheOnly bool
	limit                      int
}

// providedFile is a line of `provides`.
type providedFile struct {
	Path      string `json:"path"`
	Package   string `json:"package"`
	Installed string `json:"installed,omitempty"`
	Suite     string `json:"suite,omitempty"`
	Section   string `json:"section,omitempty"`
	Arch      string `json:"architecture,omitempty"`
}

func (a *app) providesCommand() *cobra.Command {
	var f providesFlags
	c := &cobra.Command{
		Use:   "provides FILE",
		Short: "Find the packages that have a file",
		Long: "Find the packages that have a file: those of the deployment that boots next and, if there are none, those of\n" +
			"its archives. FILE is an absolute path, the end of one, or a pattern with *, ? and [].",
		Example: "  apt-ostree provides /usr/bin/git\n  apt-ostree provides 'bin/ht*'",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return onSystem(c, a.archives, func(ctx context.Context, system *txn.System) error {
				found, more, err := findFile(ctx, system, args[0], f)
				if err != nil {
					return err
				}
				if f.json {
					return a.printJSON(found)
				}
				return a.printProvided(args[0], found, more)
			})
		},
	}
	a.sysrootFlags(c)
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
	c.Flags().BoolVar(&f.installed, "installed", false, "do not search the archives")
	c.Flags().BoolVarP(&f.cacheOnly, "cache-only", "C", false, "use what is downloaded already, no network")
	c.Flags().IntVar(&f.limit, "limit", maxMatches, "print at most `N` files, 0 for all")
	return c
}

// findFile looks at what is installed first; more tells that there are more matches than the limit.
func findFile(ctx context.Context, system *txn.System, pattern string, f providesFlags) (found []providedFile, more bool, err error) {
	found = []providedFile{}
	installed, err := system.Owners(ctx, pattern)
	if err != nil {
		return nil, false, err
	}
	for _, o := range installed {
		if f.limit > 0 && len(found) == f.limit {
			return found, true, nil
		}
		found = append(found, providedFile{Path: o.Path, Package: o.Package, Installed: o.Version})
	}
	if len(found) > 0 || f.installed {
		return found, false, nil
	}
	for m, err := range system.FindFile(ctx, pattern, f.cacheOnly) {
		if err != nil {
			return nil, false, err
		}
		if f.limit > 0 && len(found) == f.limit {
			return found, true, nil
		}
		one := providedFile{Path: m.Path, Package: m.Package, Section: m.Section, Arch: m.Architecture}
		if m.Origin != nil {
			one.Suite = m.Origin.Suite
		}
		found = append(found, one)
	}
	return found, false, nil
}

func (a *app) printProvided(pattern string, found []providedFile, more bool) error {
	if len(found) == 0 {
		return errors.New(pattern + ": no package has such a file")
	}
	for _, p := range found {
		where := "installed, " + p.Installed
		if p.Installed == "" {
			where = p.Suite
		}
		a.printf("%s: %s [%s]\n", p.Package, p.Path, where)
	}
	if more {
		a.printf("There are more; see them with --limit=0\n")
	}
	return nil
}
