package cli

import (
	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) etcCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "etc COMMAND",
		Short: "Look into the configuration of deployments",
	}
	c.AddCommand(a.etcDiffCommand())
	return c
}

func (a *app) etcDiffCommand() *cobra.Command {
	var asJSON, conflicts bool
	c := &cobra.Command{
		Use:   "diff [REVISION]",
		Short: "Show the local changes of /etc, and what a new deployment does with them",
		Long: "Show how /etc differs from the defaults of the deployment, and what the merge into another commit, by default\n" +
			"that of the deployment that boots next, will do with these changes: which meet a changed default, which defaults\n" +
			"come into effect, and whether the merge is possible at all. Exits with 1 if it is not.",
		Example: "  apt-ostree etc diff",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			system, err := a.system(c.Context())
			if err != nil {
				return err
			}
			defer system.Close()
			var to ostree.Checksum
			if len(args) > 0 {
				if to, err = system.Repo().Resolve(c.Context(), args[0]); err != nil {
					return err
				}
			}
			diff, err := system.EtcDiff(c.Context(), to)
			if err != nil {
				return err
			}
			if asJSON {
				err = a.printJSON(diff)
			} else {
				a.printEtcDiff(diff, conflicts)
			}
			if err == nil && diff.Merge != nil && len(diff.Merge.Blocking()) > 0 {
				return exitCodeError(exitError)
			}
			return err
		},
	}
	a.sysrootFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&conflicts, "conflicts", false, "only local changes that meet a changed default")
	return c
}

func (a *app) printEtcDiff(d *txn.EtcDiff, conflictsOnly bool) {
	if !conflictsOnly {
		a.printEtcChanges("Local changes of "+d.From, d.Changes)
	}
	m := d.Merge
	if m == nil {
		return
	}
	if len(m.Conflicts) > 0 {
		a.printf("Conflicts with %s:\n", d.To)
	}
	for _, c := range m.Conflicts {
		a.printf("  %s %s", c.Local.Letter(), c.Path)
		if c.Blocking != "" {
			a.printf(": %s\n", a.bold("the merge is not possible: "+c.Blocking))
			continue
		}
		a.printf(": default %s, the local version is kept\n", c.Default)
	}
	if conflictsOnly {
		return
	}
	a.printEtcChanges("Defaults that change", m.Taken)
	if len(m.Conflicts)+len(m.Taken) == 0 {
		a.printf("Nothing else changes in %s\n", d.To)
	}
}

func (a *app) printEtcChanges(title string, changes []etcmerge.Change) {
	if len(changes) == 0 {
		a.printf("%s: none\n", title)
		return
	}
	a.printf("%s:\n", title)
	for _, c := range changes {
		a.printf("  %s %s\n", c.Kind.Letter(), c.Path)
	}
}
