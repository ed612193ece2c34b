// Package debstore keeps .deb files in a repository, so that a system can be assembled anew when the
// archive that a package came from no longer has it, and when there never was one.
//
// Two nouns:
//
//   - [Store] is the repository.
//   - [File] is a .deb to be kept.
//
// A package is found by the SHA-256 of its .deb and by nothing else:
//
//	store := debstore.New(repo)
//	err := store.Add(ctx, []debstore.File{{Path: "tool_1.0_amd64.deb", SHA256: sum}})
//	pkg, err := store.Load(ctx, sum)            // what its control paragraph says
//	path, err := store.Checkout(ctx, sum, dir)  // the file, by hard link where the repository can
//
// Each is a commit of its own below [RefPrefix] whose tree is the one file. Package pkgcache has the same
// packages unpacked; this one has them as they were, for dpkg, which needs a .deb where a package is
// more than new.
//
// A Store is safe for concurrent use.
package debstore
