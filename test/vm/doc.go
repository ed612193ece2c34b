// Package vm boots the disks of the tests and runs programs in them.
//
//	m, err := vm.Start(ctx, disk, vm.Options{Firmware: vm.EFI})
//	defer m.Close()
//	r, err := m.Run(ctx, "apt-ostree", "status")
//	err = m.Reboot(ctx)
//
// A [Machine] is a guest of QEMU that starts as a computer does: firmware, boot loader, kernel,
// initramfs. It is emulated (-accel tcg), which works everywhere and takes most of a minute to boot. A
// [Container] is the same deployment started by systemd-nspawn in seconds, for all that begins
// after the initramfs.
//
// A disk is never written to: a machine has an overlay of its own that survives [Machine.Kill], the
// power cut, and goes away with [Machine.Close]. Errors have the last lines of the console.
package vm
