package bootloader

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// UnsupportedError says that a system has a boot loader which cannot be configured.
type UnsupportedError struct {
	// Name is the boot loader.
	Name string
	// Because is the file or the setting that says so, and what is wrong with it.
	Because string
}

// Error names the boot loader, how it was recognised and the way out.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("boot loader %s (%s) cannot be configured: if it reads /boot/loader/entries by itself, set bootloader=none in group sysroot of the repository configuration",
		e.Name, e.Because)
}

// Select returns the boot loader of a system. Boot is its boot directory. Configured is the value of
// sysroot.bootloader in the repository configuration: a name, or "auto" and "" to look at the files
// by which boot loaders are recognised, in this order:
//
//   - syslinux/syslinux.cfg: [Syslinux]
//   - grub2/grub.cfg or grub/grub.cfg, or the one in the EFI system partition that leads to either:
//     [GRUB]. When bootupd has taken over its configuration, nothing needs to be done.
//   - loader/uEnv.txt: [UBoot]
//   - extlinux/extlinux.conf: [Syslinux]
//   - systemd-boot in the EFI system partition, at /boot/efi or /efi: [SystemdBoot]. Where it is at /boot
//     itself, which is FAT then, package deploy sees to that.
//
// The first three are libostree's. The error is an [*UnsupportedError] for zipl and aboot.
func Select(boot, configured string) (Bootloader, error) {
	switch configured {
	case "none":
		return None{}, nil
	case "auto", "":
		return detect(boot)
	case "grub2":
		return GRUB{Dir: grubDir(boot)}, nil
	case "syslinux", "extlinux":
		return Syslinux{Dir: configured}, nil
	case "uboot":
		return UBoot{}, nil
	case "systemd-boot":
		if found := systemdBoot(boot); found != nil {
			return *found, nil
		}
		return nil, &UnsupportedError{Name: configured, Because: "sysroot.bootloader of the repository, but no EFI system partition has it"}
	case "zipl", "aboot":
		return nil, &UnsupportedError{Name: configured, Because: "sysroot.bootloader of the repository"}
	}
	return nil, fmt.Errorf("sysroot.bootloader of the repository is %q: want auto, none, grub2, syslinux, uboot, extlinux or systemd-boot", configured)
}

// detect looks for the files by which boot loaders are recognised.
func detect(boot string) (Bootloader, error) {
	exists := func(name string) bool {
		_, err := os.Lstat(filepath.Join(boot, name))
		return err == nil
	}
	if exists("syslinux/syslinux.cfg") {
		return Syslinux{Dir: "syslinux"}, nil
	}
	if grub, err := detectGRUB(boot, exists); grub != nil || err != nil {
		return grub, err
	}
	switch {
	case exists("loader/uEnv.txt"):
		return UBoot{}, nil
	case exists("extlinux/extlinux.conf"):
		return Syslinux{Dir: "extlinux"}, nil
	}
	if found := systemdBoot(boot); found != nil {
		return *found, nil
	}
	return None{}, nil
}

// detectGRUB looks for GRUB; nil when there is none.
func detectGRUB(boot string, exists func(string) bool) (Bootloader, error) {
	inESP, err := filepath.Glob(filepath.Join(boot, "efi/EFI/*/grub.cfg"))
	if err != nil {
		return nil, err
	}
	inBoot := exists("grub2/grub.cfg") || exists("grub/grub.cfg")
	if !inBoot && len(inESP) == 0 {
		return nil, nil
	}
	static, err := hasStaticConfig(boot)
	if err != nil {
		return nil, err
	}
	if static {
		return None{}, nil
	}
	if inBoot {
		return GRUB{Dir: grubDir(boot)}, nil
	}
	for _, path := range inESP {
		dir, err := leadsTo(path)
		if err != nil {
			return nil, err
		}
		if dir != "" {
			return GRUB{Dir: dir}, nil
		}
	}
	return nil, &UnsupportedError{Name: "grub2", Because: inESP[0] + " does not lead to a grub.cfg in /boot"}
}

// grubDir returns the directory of GRUB's configuration.
func grubDir(boot string) string {
	for _, dir := range []string{"grub2", "grub"} {
		if _, err := os.Lstat(filepath.Join(boot, dir)); err == nil {
			return dir
		}
	}
	return "grub"
}

// maxStub bounds what is read of a configuration that is expected to have three lines.
const maxStub = 64 << 10

// leadsTo returns the directory below /boot of the configuration that the one in the EFI system
// partition loads, "" when it does not load one.
func leadsTo(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxStub {
		return "", err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	prefix := ""
	for line := range strings.SplitSeq(string(text), "\n") {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "set prefix="):
			prefix = line
		case strings.HasPrefix(line, "configfile ") || strings.HasPrefix(line, "normal"):
			for _, dir := range []string{"grub2", "grub"} {
				if strings.Contains(strings.Trim(prefix+line, `"'`), "/"+dir) {
					return dir, nil
				}
			}
		}
	}
	return "", nil
}

// systemdBoot looks for systemd-boot in the EFI system partition.
func systemdBoot(boot string) *SystemdBoot {
	for _, esp := range []string{"efi", "../efi"} {
		path := filepath.Join(boot, esp)
		if found, err := filepath.Glob(filepath.Join(path, "EFI/systemd/systemd-boot*.efi")); err == nil && len(found) > 0 {
			return &SystemdBoot{Path: path}
		}
	}
	return nil
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
