package deploy

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
)

// vfatMagic is what statfs(2) says of a FAT file system.
const vfatMagic = 0x4d44

// bootPath is where boot entries, their kernels and the link that chooses among two sets of them are: in /boot, unless
// that is a FAT file system, as where the EFI system partition or the extended boot loader partition is mounted there.
// FAT has no links. They are in /ostree/boot then, where kernels are hard links and take no room, and the partition has
// the copies that systemd-boot reads, which [bootloader.SystemdBoot] renames into place one by one.
//
// libostree refuses such systems altogether.
func (s *Sysroot) bootPath() string {
	beside := filepath.Join(s.path, "ostree/boot")
	if s.isFAT(s.bootPartition()) {
		return beside
	}
	// The partition may be away, but what is in effect does not change by that.
	if info, err := os.Lstat(beside); err == nil && info.IsDir() {
		return beside
	}
	return s.bootPartition()
}

// bootPartition is what is mounted at /boot, or the directory there.
func (s *Sysroot) bootPartition() string { return filepath.Join(s.path, "boot") }

// isFATFilesystem is what a sysroot tells FAT by. A file system that cannot be asked is none: what follows fails on it.
func isFATFilesystem(path string) bool {
	var st unix.Statfs_t
	return unix.Statfs(path, &st) == nil && st.Type == vfatMagic
}

// BootPartitionError says that boot entries belong on a file system that is not mounted.
type BootPartitionError struct {
	// Path is where it has to be mounted, State the directory that says so.
	Path, State string
}

// Error names the mount point and the ways out.
func (e *BootPartitionError) Error() string {
	return fmt.Sprintf("the FAT file system with the boot entries is not mounted at %s; mount it, or move %s away if boot entries are elsewhere now",
		e.Path, e.State)
}

// fatBootloader returns the boot loader of a sysroot whose /boot is FAT: one that reads boot entries itself, which
// systemd-boot is. The error is a [*bootloader.UnsupportedError] for others.
func (s *Sysroot) fatBootloader(configured string) (bootloader.Bootloader, error) {
	partition := s.bootPartition()
	if !s.isFAT(partition) {
		return nil, &BootPartitionError{Path: partition, State: s.bootPath()}
	}
	reader := bootloader.SystemdBoot{Path: partition}
	if configured == "systemd-boot" {
		return reader, nil
	}
	found, err := bootloader.Select(partition, configured)
	if err != nil {
		return nil, err
	}
	switch found.(type) {
	case bootloader.None, bootloader.SystemdBoot:
		return reader, nil
	}
	return nil, &bootloader.UnsupportedError{
		Name: found.Name(), Because: partition + " is a FAT file system, from which only boot loaders that read boot entries can be used",
	}
}
