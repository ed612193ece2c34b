package cli

import (
	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) resetCommand() *cobra.Command {
	var flags changeFlags
	var change txn.Change
	c := &cobra.Command{
		Use:     "reset",
		Example: "  apt-ostree reset --overlays\n  apt-ostree reset",
		Short:   "Drop what this machine changed: layered packages, overrides, its own initramfs",
		Long:    "Drop what this machine changed: layered packages, overrides, its own initramfs. Without an option, all of them.",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !change.UninstallAll && !change.OverrideResetAll && !change.ResetInitramfs {
				change.UninstallAll, change.OverrideResetAll, change.ResetInitramfs = true, true, true
			}
			return a.change(c.Context(), change, flags, "No change.")
		},
	}
	a.sysrootFlags(c)
	flags.add(c)
	flags.addCacheOnly(c)
	flags.addBoot(c)
	c.Flags().BoolVarP(&change.UninstallAll, "overlays", "l", false, "drop layered packages")
	c.Flags().BoolVarP(&change.OverrideResetAll, "overrides", "o", false, "drop overrides of packages of the base")
	c.Flags().BoolVarP(&change.ResetInitramfs, "initramfs", "i", false, "take the initramfs of the base")
	c.Flags().StringSliceVar(&change.Install, "install", nil, "add this request in the same change")
	c.Flags().StringSliceVar(&change.Uninstall, "uninstall", nil, "drop this request in the same change")
	addRequestFlags(c, &change)
	return c
}

// resetFlags are the options of reset that a change comes from.
func resetFlags(c txn.Change) []string {
	if c.UninstallAll && c.OverrideResetAll && c.ResetInitramfs {
		return nil
	}
	var flags []string
	if c.UninstallAll {
		flags = append(flags, "--overlays")
	}
	if c.OverrideResetAll {
		flags = append(flags, "--overrides")
	}
	if c.ResetInitramfs {
		flags = append(flags, "--initramfs")
	}
	return flags
}
