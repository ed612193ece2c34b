package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
)

// cmdAdminInstutilGRUB2 makes menu entries for a script of grub-mkconfig.
func cmdAdminInstutilGRUB2() *command {
	return onSysroot(&command{
		name: "grub2-generate", operands: "[BOOTVERSION]", summary: "Generate GRUB2 configuration from given BLS entries",
		run: func(_ context.Context, e *env, args []string) error {
			version := e.getenv("_OSTREE_GRUB2_BOOTVERSION")
			if len(args) > 0 {
				version = args[0]
			}
			s, err := e.openSysroot()
			if err != nil {
				return err
			}
			dir := "loader"
			switch version {
			case "0", "1":
				dir = "loader." + version
			case "":
			default:
				return fmt.Errorf("Invalid bootversion: %s", version)
			}
			entries, _, err := bootentry.ReadDir(filepath.Join(s.Path(), "boot", dir, "entries"))
			if err != nil {
				return err
			}
			text, err := bootloader.GenerateGRUB(entries, bootloader.GRUBScript{
				DeviceID: e.getenv("GRUB2_BOOT_DEVICE_ID"), PrepareRoot: e.getenv("GRUB2_PREPARE_ROOT_CACHE"),
			})
			e.printf("%s", text)
			return err
		},
	})
}
