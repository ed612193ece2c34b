// Package bootloader is the seam between deployments and programs that boot them.
//
// Boot entries in /boot/loader are the source of truth for OSTree. A boot loader that reads them
// itself needs nothing more, and [None] stands for it. Others need a configuration of their own,
// which a [Bootloader] writes beside the new entries before the switch, so that both become
// effective in one step.
//
// [Select] finds out which one a system has. GRUB, syslinux and U-Boot are recognised so that a
// system which needs one is never left with a configuration that does not match its entries.
package bootloader
