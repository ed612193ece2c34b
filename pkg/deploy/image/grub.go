package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// grubModules are built into GRUB, so that it loads nothing from the disk but its menu: what that menu
// uses, and what people need at its prompt.
var grubModules = []string{
	"part_gpt", "part_msdos", "ext2", "fat", "gzio", "search", "search_fs_uuid", "search_fs_file", "search_label",
	"normal", "configfile", "test", "true", "regexp", "loadenv", "linux", "echo", "ls", "cat", "halt", "reboot", "sleep",
	"minicmd", "serial", "terminal", "all_video", "gfxterm", "font",
}

// grub is GRUB for one kind of machine.
type grub struct {
	// platform is a name of grub-mkimage, module one that only this platform has.
	platform, module string
	// pkg is the Debian package.
	pkg string
}

var (
	grubBIOS = grub{platform: "i386-pc", module: "biosdisk", pkg: "grub-pc-bin"}
	grubEFI  = grub{platform: "x86_64-efi", module: "efi_gop", pkg: "grub-efi-amd64-bin"}
)

// grubDir is where Debian has the modules.
const grubDir = "/usr/lib/grub"

// image builds GRUB for a disk with that root file system.
func (g grub) image(ctx context.Context, root guid, scratch string) ([]byte, error) {
	dir := filepath.Join(grubDir, g.platform)
	if _, err := os.Stat(dir); err != nil {
		return nil, g.missing(dir, err)
	}
	early := filepath.Join(scratch, "early.cfg")
	text := fmt.Sprintf("search --no-floppy --fs-uuid --set=root %s\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n", root)
	if err := os.WriteFile(early, []byte(text), 0o600); err != nil {
		return nil, err
	}
	out := filepath.Join(scratch, g.platform+".img")
	args := append([]string{"-O", g.platform, "-d", dir, "-c", early, "-p", "/boot/grub", "-o", out, g.module}, grubModules...)
	if _, err := run(ctx, "grub-mkimage", args...); err != nil {
		return nil, fmt.Errorf("GRUB for %s: %w", g.platform, err)
	}
	return os.ReadFile(out)
}

// bootSector reads the first stage, which is ready-made.
func (g grub) bootSector() ([]byte, error) {
	path := filepath.Join(grubDir, g.platform, "boot.img")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, g.missing(path, err)
	}
	return data, nil
}

func (g grub) missing(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &MissingToolError{Name: path, Package: g.pkg}
	}
	return err
}
