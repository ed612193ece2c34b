// Package assemble turns a base tree and a list of packages into a commit.
//
// Files of new packages are placed by hard link from package pkgcache; all else
// is done by the tree's own dpkg, in a cage: it runs in a sandbox on an overlay
// whose lower side is a checkout of the base commit, so that scripts may do to
// the tree what they like while every object of the repository stays as it is.
// What they changed is read from the overlay's upper side, moved to where OSTree
// wants it by package layout, and committed.
//
// Three nouns:
//
//   - [Input] says what to build. It is data, except for a few hooks.
//   - [Cage] is the tree under construction and the only way to run a program
//     in it.
//   - [UnpackMode] says how a package's files get into the tree: from the
//     package cache by hard link, or by dpkg.
//
// The first call is [Build]:
//
//	result, err := assemble.Build(ctx, assemble.Input{
//		Repo:    repo,
//		Base:    base, // zero: build from nothing
//		Batches: batches,
//		Debs:    files,
//		Runner:  jail,
//		…
//	})
//
// # What it promises
//
// The result is a function of the input: equal inputs give equal trees, on any
// machine and at any time. Programs in the cage see Input.Timestamp as
// SOURCE_DATE_EPOCH, and what they write into logs and caches is left out.
//
// There is one commit point, the end of a single repository update. Before it,
// an error or a cancelled context leaves the repository as it was and the
// machine without mounts or files of ours. A process that is killed leaves a
// scratch directory and perhaps a mount; the next Build, or [Sweep], removes
// both.
//
// Packages are data from outside and their scripts are not trusted to behave:
// they run with ten capabilities, without network, with a time limit for each.
// A script that fails ends the build with a [*ScriptError].
//
// A build needs root. Several may run at the same time, also on one repository.
package assemble
