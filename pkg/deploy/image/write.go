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

// Options describe a disk. The zero value is one of [DefaultSize].
type Options struct {
	// Size of the disk in bytes, a multiple of 1 MiB and at least 512 MiB. What is not used of it takes no
	// space in the file.
	Size int64
	// RootUUID is that of the root file system, by which kernel and boot loader find it. The other
	// identifiers of the disk are derived from it. A random one if it is empty.
	RootUUID string
}

// check fills in defaults.
func (o Options) check() (size int64, id guid, err error) {
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
	if err := write(ctx, sysroot, file, size, id); err != nil {
		return fmt.Errorf("disk image %s: %w", file, err)
	}
	return nil
}

func write(ctx context.Context, sysroot, file string, size int64, id guid) (err error) {
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
	if err := writeLoaders(ctx, f, bios, esp, id, scratch); err != nil {
		return err
	}
	if err := writeTable(f, size, id.derive(0), []partition{bios, esp, root}); err != nil {
		return err
	}
	return f.Sync()
}

// writeLoaders installs GRUB for BIOS and for EFI.
func writeLoaders(ctx context.Context, disk *os.File, bios, esp partition, id guid, scratch string) error {
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
	// The path that firmware starts when it knows nothing of the disk (UEFI specification, 3.5.1.1).
	return writeESP(ctx, disk.Name(), esp, id, []espFile{{"EFI/BOOT/BOOTX64.EFI", efi}}, scratch)
}
