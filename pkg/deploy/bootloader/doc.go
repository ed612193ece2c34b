// Package bootloader is the seam between deployments and programs that boot them.
//
// Boot entries in /boot/loader are the source of truth for OSTree. A boot loader that reads them
// itself needs nothing more, and [None] stands for it. Others need a configuration of their own,
// which a [Bootloader] writes beside the new entries before the switch, so that both become
// effective in one step: [GRUB], [Syslinux], [UBoot]. [SystemdBoot] gets copies of entries and kernels
// on a partition that it can read.
//
// [Select] finds out which one a system has. What a boot loader has been told by others, other
// systems above all, stays.
//
// For SYSLINUX and U-Boot the result is that of libostree to the byte, but for a default that is not
// OSTree's: libostree loses it. For GRUB it is not: libostree runs grub-mkconfig, which reads the
// running system.
package bootloader
