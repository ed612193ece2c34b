// Package fsx has the Linux file system primitives that package os lacks:
// extended attributes, look-ups that cannot leave a tree, nameless temporary
// files, durable writes, copies that share blocks, immutable files, freezing.
//
// Functions take a directory descriptor or a path and wrap errors in
// [*fs.PathError], so that the usual errors.Is tests work. They are safe for
// concurrent use and keep no state.
//
// Errors of a system call that was interrupted are never returned: it is
// repeated.
package fsx
