package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) overrideCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "override COMMAND",
		Short: "Change packages of the base",
		Args:  cobra.NoArgs, // so that an unknown command is an error
		RunE: func(c *cobra.Command, _ []string) error {
			return errors.Join(c.Help(), errors.New("override needs a command: replace, remove or reset"))
		},
	}
	c.AddCommand(a.overrideReplaceCommand(), a.overrideRemoveCommand(), a.overrideResetCommand())
	return c
}

func (a *app) overrideRemoveCommand() *cobra.Command {
	var flags changeFlags
	var change txn.Change
	c := &cobra.Command{
		Use:     "remove PACKAGE...",
		Example: "  apt-ostree override remove netbase",
		Short:   "Leave packages of the base out",
		Long: "Leave packages of the base out: dpkg purges them from a copy of it, and later changes do the same.\n" +
			"What depends on them has to go too, or to be replaced.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			change.OverrideRemove = args
			return a.change(c.Context(), change, flags, "No change.")
		},
	}
	a.overrideFlags(c, &change, &flags)
	c.Flags().StringSliceVar(&flags.replacements, "replace", nil, "put this `FILE` in the place of a package in the same change")
	c.Flags().BoolVar(&change.RemoveEssential, "remove-essential", false, "accept that a package is Essential or Protected")
	return c
}

func (a *app) overrideResetCommand() *cobra.Command {
	var flags changeFlags
	var change txn.Change
	c := &cobra.Command{
		Use:     "reset [PACKAGE...]",
		Example: "  apt-ostree override reset tzdata\n  apt-ostree override reset --all",
		Short:   "Take packages as the base has them",
		Args: func(c *cobra.Command, args []string) error {
			if change.OverrideResetAll {
				return cobra.NoArgs(c, args)
			}
			return cobra.MinimumNArgs(1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			change.OverrideReset = args
			return a.change(c.Context(), change, flags, "No change.")
		},
	}
	a.overrideFlags(c, &change, &flags)
	c.Flags().BoolVarP(&change.OverrideResetAll, "all", "a", false, "reset all overrides")
	return c
}

// overrideFlags adds the options that the commands about overrides share.
func (a *app) overrideFlags(c *cobra.Command, change *txn.Change, flags *changeFlags) {
	a.sysrootFlags(c)
	flags.add(c)
	flags.addCacheOnly(c)
	flags.addBoot(c)
	c.Flags().StringSliceVar(&change.Install, "install", nil, "add this request in the same change")
	c.Flags().StringSliceVar(&change.Uninstall, "uninstall", nil, "drop this request in the same change")
	addRequestFlags(c, change)
}
