// Package pkgcache keeps Debian packages as commits of a repository, so that a package is unpacked and
// hashed once and then costs a hard link for each file wherever it is installed.
//
// Three nouns:
//
//   - [Cache] is the repository.
//   - [Cache.Import] turns .deb files into commits, several at a time.
//   - [Package] is an imported package: control files, list of files, owners, and the tree.
//
// The first call is Import:
//
//	cache := pkgcache.New(repo)
//	commits, err := cache.Import(ctx, sources, pkgcache.Options{})
//	…
//	pkg, err := cache.Load(ctx, commits[0])
//
// # What a commit holds
//
//	files/…         what the package installs, paths as packed
//	control/NAME    the files of the control archive
//	list            the paths in the order in which dpkg handles them: symbolic links last
//	md5sums         only if the package ships none: what dpkg would make
//
// Files that belong to somebody other than root keep the numbers of the package in their objects; the
// names, which count, are in the commit's metadata, because only the tree that a package gets into says
// which numbers they have.
//
// # What it promises
//
// A commit is a function of the .deb alone, so imports of one package are equal on every machine. It is
// found by name, version and architecture, and used only if the SHA-256 of the .deb is what the caller
// asks for. An import is one update of the repository: all packages appear, or none. A .deb is hashed
// through the same open file that is unpacked.
//
// What dpkg would unpack and a commit cannot hold, see [UnsupportedError], is left to dpkg.
//
// A Cache is safe for concurrent use.
package pkgcache
