package cli

import (
	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) usroverlayCommand() *cobra.Command {
	var flags changeFlags
	var hotfix, transient bool
	c := &cobra.Command{
		Use:     "usroverlay",
		Example: "  apt-ostree usroverlay",
		Aliases: []string{"unlock"},
		Short:   "Make /usr of the running system writable",
		Long: "Mount a writable overlay over /usr of the running system. What is changed there is gone after the next reboot,\n" +
			"but for --hotfix, which keeps it in this deployment and makes a copy without it to roll back to.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			mode := deploy.UnlockDevelopment
			switch {
			case hotfix:
				mode = deploy.UnlockHotfix
			case transient:
				mode = deploy.UnlockTransient
			}
			return a.alone(c.Context(), txn.Change{Unlock: mode}, flags)
		},
	}
	a.sysrootFlags(c)
	c.Flags().BoolVar(&hotfix, "hotfix", false, "keep the changes when this deployment boots again")
	c.Flags().BoolVar(&transient, "transient", false, "stay read-only but for programs that remount it in a mount namespace of their own")
	c.MarkFlagsMutuallyExclusive("hotfix", "transient")
	return c
}
