// Package bootentry reads and writes Boot Loader Specification entries, the files in
// /boot/loader/entries that describe one bootable system each.
//
// [Parse] reads an entry and keeps keys it does not know, [Entry.Bytes] writes it in the order that
// libostree uses. [Name] is the file name of an entry, with systemd's boot counters in it, and
// [CompareVersions] orders entries as version-sorting boot loaders do.
//
// The format is that of https://uapi-group.org/specifications/specs/boot_loader_specification/ as
// far as libostree writes it.
package bootentry
