package cli

import (
	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) undoCommand() *cobra.Command {
	var flags changeFlags
	c := &cobra.Command{
		Use:     "undo",
		Example: "  apt-ostree undo",
		Short:   "Take the last change back",
		Long: "Take back the change that made the deployment which boots next: what was deployed before it boots next again,\n" +
			"with its packages, overrides and kernel arguments. To undo an undo is to redo the change,\n" +
			"unless it had only been staged: such a change is dropped.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.change(c.Context(), txn.Change{Undo: true}, flags, "No change.")
		},
	}
	a.sysrootFlags(c)
	flags.add(c)
	flags.addCacheOnly(c)
	flags.addBoot(c)
	return c
}
