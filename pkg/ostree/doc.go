// Package ostree reads and writes OSTree repositories in pure Go.
//
// A repository is a content-addressed store of file trees. A [Commit] names a
// tree and describes it; the tree is made of dirtree objects (names), dirmeta
// objects (owner, mode and extended attributes of directories) and file
// objects. Refs such as "debian/12/amd64" name commits. Everything on disk is
// what libostree writes and reads, in the modes [ModeBare], [ModeBareUser],
// [ModeBareUserOnly] and [ModeArchive].
//
// Start with [Init] or [Open]. Reading needs nothing more:
//
//	repo, err := ostree.Open("/ostree/repo", ostree.Options{})
//	rev, err := repo.Resolve(ctx, "debian/12/amd64")
//	commit, err := repo.LoadCommit(ctx, rev)
//	tree, err := repo.LoadTree(ctx, commit.Tree)
//	entry, err := tree.Lookup("usr/lib/os-release")
//
// Writing happens inside one closure. What [Repo.Update] runs either becomes
// visible as a whole, refs last, or not at all:
//
//	err = repo.Update(ctx, func(w *ostree.Writer) error {
//		file, err := w.WriteFile(ctx, ostree.FileInfo{Mode: 0o100644}, strings.NewReader("hello\n"))
//		…
//		err = tree.SetFile("usr/share/hello", file)
//		commit.Tree, err = w.WriteTree(ctx, tree)
//		c, err := w.WriteCommit(ctx, *commit)
//		return w.SetRef(ostree.Refspec{Ref: "debian/12/amd64"}, c)
//	})
//
// Commits travel. [Repo.Pull] brings them from a remote that [Repo.AddRemote] has
// configured, [Repo.PullLocal] from another repository on the machine; what is
// pulled is verified as the remote's configuration says, before its tree is
// fetched. A server offers its refs with [Repo.UpdateSummary], upgrades in one
// piece with [Repo.GenerateDelta], and signs with [Writer.SignCommit] and the
// package sign. [Repo.Fsck] finds damage, [Repo.Prune] what nobody needs.
//
// Labels for SELinux come from a policy by the package selinux; see
// [AddOptions].Labels and [CheckoutOptions].Labels.
//
// A deployment can be an image that vouches for all its files: [Repo.Composefs]
// makes it of a tree, with the package composefs.
//
// A [Repo] may be used by several goroutines, and several processes may use one
// repository, libostree's included: they share its lock file. A [Tree] belongs
// to one goroutine at a time.
//
// Objects are trusted to be what their names say when they are read; to check
// them is the business of fsck. They are not trusted to be well formed: a
// damaged or malicious object gives an error and never a crash.
package ostree
