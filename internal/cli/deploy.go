package cli

import (
	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) deployCommand() *cobra.Command {
	var flags changeFlags
	var preview, noDowngrade bool
	change := txn.Change{}
	c := &cobra.Command{
		Use:   "deploy REVISION",
		Short: "Deploy a base commit by version, ref or checksum",
		Long: "Deploy a base commit: a version on the ref that is followed, another ref of the system's repository\n" +
			"(which is then followed), or a checksum. Layered packages are layered on it.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			change.Deploy = args[0]
			change.AllowDowngrade = !noDowngrade
			flags.dryRun = flags.dryRun || preview
			return a.change(c.Context(), change, flags, "No change.")
		},
	}
	a.sysrootFlags(c)
	flags.add(c)
	flags.addCacheOnly(c)
	flags.addBoot(c)
	c.Flags().BoolVar(&preview, "preview", false, "print what would change and stop")
	c.Flags().BoolVar(&noDowngrade, "disallow-downgrade", false, "refuse a base that is older than the present one")
	c.Flags().StringSliceVar(&change.Install, "install", nil, "add this request in the same change")
	c.Flags().StringSliceVar(&change.Uninstall, "uninstall", nil, "drop this request in the same change")
	addRequestFlags(c, &change)
	return c
}
