package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
)

// grubMenuCommand is what libostree's tools run in place of grub-mkconfig, by data/apt-ostree-grub-menu.
func (a *app) grubMenuCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:    "grub-menu --output FILE",
		Short:  "Write GRUB's menu for boot entries that libostree has written",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if file == "" {
				return errors.New("grub-menu: say where the menu is to be written: -o BOOT/loader.N/grub.cfg")
			}
			return bootloader.WriteMenu(c.Context(), file)
		},
	}
	c.Flags().StringVarP(&file, "output", "o", "", "write to this `FILE`, beside whose directory the entries are")
	return c
}
