package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
			entries, err := readEntries(filepath.Join(s.Path(), "boot", dir, "entries"))
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

// readEntries reads the boot entries of a directory, the default first.
func readEntries(dir string) ([]*bootentry.Entry, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.conf"))
	if err != nil {
		return nil, err
	}
	var entries []*bootentry.Entry
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		entry, err := bootentry.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		entries = append(entries, entry)
	}
	slices.SortFunc(entries, func(a, b *bootentry.Entry) int {
		return cmp.Or(bootentry.CompareVersions(b.Get(bootentry.KeyVersion), a.Get(bootentry.KeyVersion)),
			strings.Compare(a.Get(bootentry.KeyTitle), b.Get(bootentry.KeyTitle)))
	})
	return entries, nil
}
