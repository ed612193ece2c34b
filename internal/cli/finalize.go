package cli

import (
	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) finalizeCommand() *cobra.Command {
	var flags changeFlags
	var finalize txn.Finalize
	c := &cobra.Command{
		Use:     "finalize-deployment [CHECKSUM]",
		Example: "  apt-ostree finalize-deployment --allow-missing-checksum",
		Short:   "Unlock the staged deployment and reboot into it",
		Long: "Let the staged deployment take effect that --lock-finalization locked, and reboot. CHECKSUM is its base\n" +
			"commit, so that nothing else is finalized that was staged in the meantime.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				finalize.Checksum = args[0]
			}
			flags.reboot = true
			return a.alone(c.Context(), txn.Change{Finalize: &finalize}, flags)
		},
	}
	a.sysrootFlags(c)
	c.Flags().BoolVar(&finalize.AllowMissingChecksum, "allow-missing-checksum", false, "finalize whatever is staged")
	c.Flags().BoolVar(&finalize.AllowUnlocked, "allow-unlocked", false, "accept a deployment that is not locked")
	return c
}
