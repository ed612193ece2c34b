package bootloader

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
)

// WriteMenu writes the menu that [GRUB] would, for the boot entries that are beside it: file is
// BOOT/loader.VERSION/grub.cfg. It is what libostree can run in place of grub-mkconfig, which knows
// nothing of such systems: it takes the program of that name in its environment variable
// OSTREE_GRUB2_EXEC, and runs it when it has written the entries.
func WriteMenu(ctx context.Context, file string) error {
	dir := filepath.Dir(file)
	c := Config{Boot: filepath.Dir(dir)}
	c.Sysroot = filepath.Dir(c.Boot)
	switch filepath.Base(dir) {
	case "loader.0":
	case "loader.1":
		c.Version = 1
	default:
		return fmt.Errorf("menu %s: want loader.0/grub.cfg or loader.1/grub.cfg in a boot directory", file)
	}
	var err error
	if c.Entries, c.Names, err = bootentry.ReadDir(filepath.Join(dir, "entries")); err != nil {
		return fmt.Errorf("menu %s: %w", file, err)
	}
	if err := (GRUB{Dir: "grub"}).Write(ctx, c); err != nil {
		return fmt.Errorf("menu %s: %w", file, err)
	}
	return nil
}
