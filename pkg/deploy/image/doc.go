// Package image makes disk images that boot: a partition table, boot loaders and the file system of a
// sysroot, in a file, without loop devices and without mounting anything.
//
//	err := image.Install(ctx, repo, "debian/trixie/amd64/server", "disk.raw", image.InstallOptions{})
//
// [Install] deploys a commit and writes the disk; [Write] writes one from a sysroot that is there.
//
// A disk has a GUID partition table (UEFI specification, section 5) with three partitions: one for the
// second stage of GRUB on machines with a BIOS, an EFI system partition, and the root file system with
// /boot inside it. GRUB is on it twice, for BIOS and for EFI, and both read the same menu, which
// [github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader.GRUB] keeps in step with the deployments.
//
// The tools that know the formats do the work: mke2fs and debugfs (e2fsprogs), mkfs.vfat (dosfstools),
// mmd and mcopy (mtools), and grub-mkimage with its modules (grub-common, grub-pc-bin,
// grub-efi-amd64-bin). [MissingToolError] says which package to install. It needs root, like the sysroot.
//
// Functions of this package may run concurrently, each with a disk and a sysroot of its own.
package image
