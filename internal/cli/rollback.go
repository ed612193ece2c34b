package cli

import (
	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) rollbackCommand() *cobra.Command {
	var flags changeFlags
	c := &cobra.Command{
		Use:     "rollback",
		Example: "  apt-ostree rollback",
		Short:   "Make the previous deployment the default again",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.change(c.Context(), txn.Change{Rollback: true}, flags, "No change.")
		},
	}
	a.sysrootFlags(c)
	flags.add(c)
	flags.addReboot(c)
	return c
}
