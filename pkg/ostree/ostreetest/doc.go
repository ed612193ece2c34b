// Package ostreetest builds small repositories for tests.
//
//	repo := ostreetest.Repo(t, ostree.ModeBareUser)
//	c := ostreetest.Commit(t, repo, "test", ostreetest.Tree{
//		"usr/bin/su": ostreetest.File("#!/bin/sh\n").Perm(0o4755),
//		"usr/lib64":  ostreetest.Link("lib"),
//	})
//
// Trees are written through the API, so they need neither root nor files on
// disk; [Write] makes the same tree on disk. [List] shows a tree as text, for
// comparisons and golden files. [CLI] runs Debian's ostree, the oracle.
package ostreetest
