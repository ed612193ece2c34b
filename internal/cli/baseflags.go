package cli

import (
	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// addBaseFlags adds what the commands that choose the base have in common.
func (a *app) addBaseFlags(c *cobra.Command, flags *changeFlags, change *txn.Change) {
	a.sysrootFlags(c)
	flags.add(c)
	flags.addCacheOnly(c)
	flags.addBoot(c)
	addDownloadOnly(c, change)
	c.Flags().BoolVar(&change.BypassDriver, "bypass-driver", false, "do it although another program drives updates")
	c.Flags().StringSliceVar(&change.Install, "install", nil, "add this request in the same change")
	c.Flags().StringSliceVar(&change.Uninstall, "uninstall", nil, "drop this request in the same change")
	addRequestFlags(c, change)
}

// addDownloadOnly adds --download-only to a command that has --cache-only, --dry-run and --reboot.
func addDownloadOnly(c *cobra.Command, change *txn.Change) {
	c.Flags().BoolVar(&change.DownloadOnly, "download-only", false, "fetch everything and make no deployment")
	c.MarkFlagsMutuallyExclusive("cache-only", "download-only")
	c.MarkFlagsMutuallyExclusive("dry-run", "download-only")
	c.MarkFlagsMutuallyExclusive("reboot", "download-only")
}
