package bootloader

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// UnsupportedError says that a system has a boot loader which cannot be configured yet.
type UnsupportedError struct {
	// Name is the boot loader.
	Name string
	// Because is the file or the setting that says so.
	Because string
}

// Error names the boot loader, how it was recognised and the way out.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("boot loader %s (%s) cannot be configured yet: if it reads /boot/loader/entries by itself, set bootloader=none in group sysroot of the repository configuration",
		e.Name, e.Because)
}

// Select returns the boot loader of a system. Configured is the value of sysroot.bootloader in the
// repository configuration: "none", a name, or "auto" and "" to look at what is in the boot
// directory. The error is an [*UnsupportedError] for all but none.
func Select(boot, configured string) (Bootloader, error) {
	switch configured {
	case "none":
		return None{}, nil
	case "auto", "":
		return detect(boot)
	case "grub2", "syslinux", "uboot", "zipl", "aboot":
		return nil, &UnsupportedError{Name: configured, Because: "sysroot.bootloader of the repository"}
	}
	return nil, fmt.Errorf("sysroot.bootloader of the repository is %q: want auto, none, grub2, syslinux, uboot, zipl or aboot", configured)
}

// detect looks for the files by which libostree recognises boot loaders, in its order.
func detect(boot string) (Bootloader, error) {
	for _, probe := range []struct{ name, pattern string }{
		{"syslinux", "syslinux/syslinux.cfg"},
		{"grub2", "grub2/grub.cfg"},
		{"grub2", "grub/grub.cfg"},
		{"grub2", "efi/EFI/*/grub.cfg"},
		{"uboot", "loader/uEnv.txt"},
	} {
		found, err := filepath.Glob(filepath.Join(boot, probe.pattern))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			continue
		}
		if probe.name == "grub2" {
			static, err := hasStaticConfig(boot)
			if err != nil || static {
				return None{}, err
			}
		}
		return nil, &UnsupportedError{Name: probe.name, Because: found[0] + " exists"}
	}
	return None{}, nil
}

// hasStaticConfig reports whether bootupd manages a grub.cfg that reads boot entries.
func hasStaticConfig(boot string) (bool, error) {
	name := filepath.Join(boot, "bootupd-state.json")
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var state struct {
		Static json.RawMessage `json:"static-configs"`
	}
	if err := json.Unmarshal(data, &state); err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return len(state.Static) > 0 && string(state.Static) != "null", nil
}
