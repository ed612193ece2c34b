// Package deb reads Debian binary packages (.deb files).
//
// A [Reader] is an opened package. [Reader.Control] returns the files of the control archive (the
// control paragraph, maintainer scripts, conffiles, triggers, …), of which [Control.Conffiles] and
// [Control.Triggers] interpret two; [Reader.Data] walks the files it
// would install, and [Reader.Extract] writes them into an empty tree:
//
//	pkg, err := deb.Open("hello_2.10-3_amd64.deb", deb.Options{})
//	if err != nil { … }
//	defer pkg.Close()
//	for entry, err := range pkg.Data(ctx) { … }
//
// The reader accepts what dpkg accepts and nothing else: deb(5) format 2 with gzip, xz, zstd or no
// compression, and tar entries in the v7, ustar and GNU formats. PAX headers, sparse files, unknown
// types, absolute names, names with ".." and names with a newline are errors, so a package can carry
// no extended attributes and no file capabilities. Sizes, name lengths, entry counts, memory and the
// compression ratio are bounded by [Limits].
//
// Extract exists to bootstrap: it puts files into a tree so that the tree's own dpkg can run and
// install the same packages properly. It runs no script and writes no dpkg database. Every path is
// resolved inside the root, through the symbolic links that are there, so that a package can write
// nothing outside.
//
// Packages are untrusted input here, even when their hashes were checked. A Reader is safe for
// concurrent use: each call opens its own stream.
package deb
