package bootloader

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// GRUB configures GRUB 2, on BIOS and EFI alike: on Debian and Ubuntu the grub.cfg of the EFI system
// partition only leads to the one in /boot/grub.
//
// It writes a complete menu to loader.VERSION/grub.cfg and makes grub.cfg a symbolic link to
// ../loader/grub.cfg, so that menu and boot entries change in one step. Neither grub-mkconfig nor
// anything else of the system is run, and GRUB needs no module that reads boot entries, which
// Debian's and Ubuntu's do not have.
//
// A grub.cfg that was there before is kept as grub.cfg.before-ostree, and the new menu offers it: what
// booted before still does. Own additions belong into custom.cfg beside it, which is read last, as by
// the menus of grub-mkconfig. Entries chosen by grub-reboot are honoured. Their identifiers are
// ostree-0, ostree-1, …
//
// A boot counter of the default entry is kept in loader/grubenv, which GRUB writes before it boots that
// entry; when it has run out, the next entry is the default. GRUB can write on a plain partition with
// ext4 or XFS, but neither on Btrfs nor on LVM or RAID: there only tries that get as far as a health
// check are counted, by that.
type GRUB struct {
	// Dir is the directory of grub.cfg below /boot, "grub" as on Debian or "grub2".
	Dir string
	// Generator is a program that makes loader.VERSION/grub.cfg instead (libostree's
	// OSTREE_GRUB2_EXEC). It is started as GENERATOR -o FILE, with _OSTREE_GRUB2_BOOTVERSION=VERSION in
	// its environment.
	Generator string
}

// Name returns "grub2", which is also what libostree calls it.
func (GRUB) Name() string { return "grub2" }

// Atomic says that the configuration changes with the boot entries in one step.
func (GRUB) Atomic() bool { return true }

const (
	grubConfig = "grub.cfg"
	grubEnv    = "grubenv"
	// grubKept is the name of a former configuration.
	grubKept = grubConfig + ".before-ostree"
)

// Write makes the menu and the counter.
func (g GRUB) Write(ctx context.Context, c Config) error {
	if err := os.MkdirAll(c.loaderDir(), 0o755); err != nil {
		return err
	}
	if left, counted := c.tries(); counted {
		if err := fsx.WriteFile(c.file(grubEnv), environment(strconv.Itoa(left)), 0o600); err != nil {
			return err
		}
		c.step("write-counter")
	}
	if g.Generator != "" {
		return g.generate(ctx, c)
	}
	text, err := menu(c)
	if err != nil {
		return err
	}
	return fsx.WriteFile(c.file(grubConfig), text, 0o644)
}

// generate runs the generator.
func (g GRUB) generate(ctx context.Context, c Config) error {
	if err := os.RemoveAll(c.file(grubConfig)); err != nil {
		return err
	}
	version := fmt.Sprintf("_OSTREE_GRUB2_BOOTVERSION=%d", c.Version)
	out, err := exec.CommandContext(ctx, "env", version, g.Generator, "-o", c.file(grubConfig)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", g.Generator, err, bytes.TrimSpace(out))
	}
	return nil
}

// Finish makes grub.cfg lead to the menu.
func (g GRUB) Finish(_ context.Context, c Config) error {
	return redirect(c, filepath.Join(g.Dir, grubConfig), grubConfig, filepath.Join(g.Dir, grubKept))
}

// envSize is the size of a GRUB environment block, which GRUB only overwrites in place.
const envSize = 1024

// environment makes an environment block with the counter, which is empty when there is none.
func environment(tries string) []byte {
	block := fmt.Appendf(nil, "# GRUB Environment Block\n%s=%s\n", triesVariable, tries)
	return append(block, bytes.Repeat([]byte{'#'}, envSize-len(block))...)
}
