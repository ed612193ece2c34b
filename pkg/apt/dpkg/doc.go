// Package dpkg reads the database of installed packages, /var/lib/dpkg.
//
//	entries, err := dpkg.ReadStatusFS(commit) // an fs.FS: a directory or a commit
//	packages := dpkg.Installed(entries)
//	changes := dpkg.Diff(before, after)
//
// An [Entry] is a paragraph of the status file, with its text as it was; [Installed] keeps what is
// installed. [Audit] lists what a finished installation must not have, as dpkg --audit does, and
// [Diff] compares two sets of packages.
//
// The format is that of dpkg 1.15 and later, see dpkg-query(1) and deb822(5). Nothing is written here:
// changing the database is dpkg's own business.
package dpkg
