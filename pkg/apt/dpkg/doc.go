// Package dpkg reads the database of installed packages, /var/lib/dpkg, and writes its files as dpkg
// does, byte by byte.
//
//	entries, err := dpkg.ReadStatusFS(commit) // an fs.FS: a directory or a commit
//	packages := dpkg.Installed(entries)
//	changes := dpkg.Diff(before, after)
//
// An [Entry] is a paragraph of the status file, with its text as it was; [Installed] keeps what is
// installed. [Audit] lists what a finished installation must not have, as dpkg --audit does, and
// [Diff] compares two sets of packages. A [Database] gives access to the other files: lists of files,
// digests, diversions, overrides, triggers, alternatives. Each parser has its Format function, and what
// was read comes out as it was; [WriteStatus] and [Unpacked] do the same for the status file.
//
// The format is that of dpkg 1.15 and later, see dpkg-query(1) and deb822(5). Nothing on disk is changed
// here: who writes a database must hold dpkg's lock, or own the tree.
package dpkg
