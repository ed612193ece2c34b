package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// systemdBootEFI is the program in Debian's package.
const systemdBootEFI = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"

// writeSystemdBoot installs systemd-boot, as "bootctl install" does, with the entries and kernels of a
// directory.
func writeSystemdBoot(ctx context.Context, disk string, esp partition, id guid, dir, scratch string) error {
	program, err := os.ReadFile(systemdBootEFI)
	if errors.Is(err, fs.ErrNotExist) {
		err = &MissingToolError{Name: systemdBootEFI, Package: "systemd-boot-efi"}
	}
	if err != nil {
		return err
	}
	if dir == "" {
		return errors.New("systemd-boot reads boot entries from the EFI system partition: say where they are (ESP)")
	}
	files, err := espTree(dir)
	if err != nil {
		return err
	}
	files = append(files, espFile{removablePath, program}, espFile{"EFI/systemd/systemd-bootx64.efi", program})
	return writeESP(ctx, disk, esp, id, files, scratch)
}

// mountESP makes a system mount its EFI system partition, where systemd-boot has its entries, so that those
// are changed with the deployments.
func mountESP(sysroot, deployment string, id guid) error {
	if err := os.MkdirAll(filepath.Join(sysroot, ESPMount), 0o755); err != nil {
		return err
	}
	path := filepath.Join(deployment, "etc/fstab")
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	serial := strings.ToUpper(id.serial())
	text = fmt.Appendf(text, "UUID=%s-%s %s vfat umask=0077 0 2\n", serial[:4], serial[4:], ESPMount)
	return os.WriteFile(path, text, 0o644)
}
