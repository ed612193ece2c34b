package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) pinCommand() *cobra.Command {
	var unpin bool
	c := a.pinningCommand("pin INDEX...", "Keep deployments until they are unpinned", &unpin)
	c.Flags().BoolVarP(&unpin, "unpin", "u", false, "let go of them instead")
	return c
}

func (a *app) unpinCommand() *cobra.Command {
	unpin := true
	return a.pinningCommand("unpin INDEX...", "Let go of pinned deployments", &unpin)
}

func (a *app) pinningCommand(use, short string, off *bool) *cobra.Command {
	var flags changeFlags
	c := &cobra.Command{
		Use:     use,
		Short:   short,
		Example: "  apt-ostree " + strings.Fields(use)[0] + " 0",
		Long:    short + ". INDEX counts from 0, as \"status -v\" shows it.",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			pin := txn.Pin{Off: *off}
			for _, arg := range args {
				index, err := strconv.ParseUint(arg, 10, 16)
				if err != nil {
					return fmt.Errorf("%q: not the index of a deployment", arg)
				}
				pin.Index = append(pin.Index, int(index))
			}
			return a.alone(c.Context(), txn.Change{Pin: &pin}, flags)
		},
	}
	a.sysrootFlags(c)
	return c
}
