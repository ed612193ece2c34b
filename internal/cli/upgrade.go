package cli

import (
	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) upgradeCommand() *cobra.Command {
	var flags changeFlags
	var preview bool
	change := txn.Change{Upgrade: true}
	c := &cobra.Command{
		Use:     "upgrade",
		Aliases: []string{"update"},
		Short:   "Take the newest base commit and layered packages",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			flags.dryRun = flags.dryRun || preview
			return a.change(c.Context(), change, flags, "No upgrade available.")
		},
	}
	a.sysrootFlags(c)
	flags.add(c)
	flags.addCacheOnly(c)
	flags.addBoot(c)
	c.Flags().BoolVar(&preview, "preview", false, "print what would change and stop")
	c.Flags().BoolVar(&change.AllowDowngrade, "allow-downgrade", false, "permit a base that is older than the present one")
	c.Flags().StringSliceVar(&change.Install, "install", nil, "add this request in the same change")
	c.Flags().StringSliceVar(&change.Uninstall, "uninstall", nil, "drop this request in the same change")
	addRequestFlags(c, &change)
	return c
}
