package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// DefaultSize is that of a disk when nothing is said: room for a server and for what it is updated to.
const DefaultSize = 8 << 30

// The partitions before the root file system, in bytes. MinSize leaves some room for that as well.
const (
	biosSize = 1 * mebibyte
	espSize  = 256 * mebibyte
	minSize  = 512 * mebibyte
)

// Loader is a boot loader to install.
type Loader string

const (
	// GRUB boots with BIOS and EFI, and reads kernels from the root file system.
	GRUB Loader = ""
	// SystemdBoot boots with EFI only. Boot entries and kernels are in the EFI system partition, which is
	// mounted at [ESPMount] for whoever changes them.
	SystemdBoot Loader = "systemd-boot"
)

// ESPMount is where a system with systemd-boot has its EFI system partition.
const ESPMount = "/boot/efi"

// Options describe a disk. The zero value is one of [DefaultSize] with GRUB.
type Options struct {
	// Loader is the boot loader.
	Loader Loader
	// ESP is a directory whose content is copied to the EFI system partition. With systemd-boot these are
	// the entries and kernels of the sysroot, as bootloader.SystemdBoot with that Path makes them.
	ESP string
	// Size of the disk in bytes, a multiple of 1 MiB and at least 512 MiB. What is not used of it takes no
	// space in the file.
	Size int64
	// RootUUID is that of the root file system, by which kernel and boot loader find it. The other
	// identifiers of the disk are derived from it. A random one if it is empty.
	RootUUID string
}

// check fills in defaults.
func (o Options) check() (size int64, id guid, err error) {
	if o.Loader != GRUB && o.Loader != SystemdBoot {
		return 0, id, fmt.Errorf("boot loader %q: neither %q nor %q, which is GRUB", o.Loader, SystemdBoot, GRUB)
	}
	size = o.Size
	if size == 0 {
		size = DefaultSize
	}
	if size < minSize || size%mebibyte != 0 {
		return 0, id, fmt.Errorf("disk of %d bytes: want a multiple of 1 MiB and at least %d MiB", size, minSize/mebibyte)
	}
	if o.RootUUID == "" {
		return size, newGUID(), nil
	}
	id, err = parseGUID(o.RootUUID)
	return size, id, err
}

// Write makes a disk from a sysroot. The kernel arguments of its deployments must name the root file
// system, root=UUID=… with the UUID of the options. It fails when the file exists, and leaves none
// behind when it fails.
func Write(ctx context.Context, sysroot, file string, opts Options) error {
	size, id, err := opts.check()
	if err != nil {
		return fmt.Errorf("disk image: %w", err)
	}
	if err := write(ctx, sysroot, file, size, id, opts); err != nil {
		return fmt.Errorf("disk image %s: %w", file, err)
	}
	return nil
}

func write(ctx context.Context, sysroot, file string, size int64, id guid, opts Options) (err error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(file))
		}
	}()
	if err := f.Truncate(size); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(filepath.Dir(file), ".image-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()

	bios := partition{"bios", kindBIOSBoot, mebibyte, biosSize}
	esp := partition{"esp", kindESP, bios.start + bios.size, espSize}
	root := partition{name: "root", kind: kindRootX64, start: esp.start + esp.size}
	root.size = size - mebibyte - root.start // the copy of the table is at the end

	// The tools write through the file name, each to its own part.
	if err := writeRoot(ctx, file, root, id, sysroot); err != nil {
		return err
	}
	table := []partition{bios, esp, root}
	if opts.Loader == SystemdBoot {
		table = table[1:]
		err = writeSystemdBoot(ctx, file, esp, id, opts.ESP, scratch)
	} else {
		err = writeGRUB(ctx, f, bios, esp, id, opts.ESP, scratch)
	}
	if err != nil {
		return err
	}
	if err := writeTable(f, size, id.derive(0), table); err != nil {
		return err
	}
	return f.Sync()
}

// writeGRUB installs GRUB for BIOS and for EFI.
func writeGRUB(ctx context.Context, disk *os.File, bios, esp partition, id guid, dir, scratch string) error {
	boot, err := grubBIOS.bootSector()
	if err != nil {
		return err
	}
	core, err := grubBIOS.image(ctx, id, scratch)
	if err != nil {
		return err
	}
	if err := writeBIOSGRUB(disk, bios, boot, core); err != nil {
		return err
	}
	efi, err := grubEFI.image(ctx, id, scratch)
	if err != nil {
		return err
	}
	files, err := espTree(dir)
	if err != nil {
		return err
	}
	return writeESP(ctx, disk.Name(), esp, id, append(files, espFile{removablePath, efi}), scratch)
}
