package cli

import (
	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) refreshCommand() *cobra.Command {
	var flags changeFlags
	var refresh txn.RefreshMetadata
	c := &cobra.Command{
		Use:     "refresh-md",
		Example: "  apt-ostree refresh-md",
		Aliases: []string{"makecache"},
		Short:   "Fetch what the archives offer now",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.alone(c.Context(), txn.Change{RefreshMetadata: &refresh}, flags)
		},
	}
	a.sysrootFlags(c)
	flags.addCacheOnly(c)
	c.Flags().BoolVarP(&refresh.Force, "force", "f", false, "fetch everything anew, whether or not it has changed")
	c.MarkFlagsMutuallyExclusive("force", "cache-only")
	return c
}
