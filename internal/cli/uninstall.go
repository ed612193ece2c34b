package cli

import (
	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) uninstallCommand() *cobra.Command {
	var flags changeFlags
	var change txn.Change
	c := &cobra.Command{
		Use:     "uninstall PACKAGE...",
		Example: "  apt-ostree uninstall git\n  apt-ostree uninstall --all",
		Aliases: []string{"remove", "pkg-remove"},
		Short:   "Drop layered packages",
		Args: func(c *cobra.Command, args []string) error {
			if change.UninstallAll {
				return nil
			}
			return cobra.MinimumNArgs(1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			change.Uninstall = args
			return a.change(c.Context(), change, flags, "No change.")
		},
	}
	a.sysrootFlags(c)
	flags.add(c)
	flags.addCacheOnly(c)
	flags.addBoot(c)
	c.Flags().BoolVar(&change.UninstallAll, "all", false, "drop all requests")
	c.Flags().StringSliceVar(&change.Install, "install", nil, "add this request in the same change")
	addRequestFlags(c, &change)
	return c
}
