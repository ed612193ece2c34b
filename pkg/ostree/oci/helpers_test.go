package oci_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// system is a small tree with all that a layer has to carry.
func system() ostreetest.Tree {
	return ostreetest.Tree{
		"ostree":                      ostreetest.Link("sysroot/ostree"),
		"sysroot":                     ostreetest.Dir(),
		"var":                         ostreetest.Dir(),
		"usr/etc/passwd":              ostreetest.File("root:x:0:0::/root:/bin/sh\n"),
		"usr/etc/shadow":              ostreetest.File("root:*\n").Perm(0o640).Owner(0, 42),
		"usr/bin/su":                  ostreetest.File("#!/bin/sh\n").Perm(0o4755),
		"usr/bin/ping":                ostreetest.File("ping").Perm(0o755).Xattr("user.caps", "a\x00b").Xattr("security.selinux", "bin_t\x00"),
		"usr/bin/ping4":               ostreetest.File("ping").Perm(0o755).Xattr("user.caps", "a\x00b").Xattr("security.selinux", "bin_t\x00"),
		"usr/lib/empty":               ostreetest.File(""),
		"usr/lib/denormal":            ostreetest.Link("../../..//sbin/x"),
		"usr/lib/" + longName():       ostreetest.File("long"),
		"usr/lib/grüße":               ostreetest.File("hallo\n").Owner(1<<22, 1<<31),
		"usr/lib/modules/6.1/vmlinuz": ostreetest.File(strings.Repeat("kernel", 40000)),
		"usr/share/doc/a/copyright":   ostreetest.File("a"),
		"usr/share/doc/b/copyright":   ostreetest.File("b"),
		"usr/share/private":           ostreetest.Dir().Perm(0o700).Owner(7, 8),
		"usr/share/private/x":         ostreetest.File("x"),
	}
}

func longName() string { return strings.Repeat("very-long-name/", 16) + "end" }

// source is a repository with a commit of system.
func source(t testing.TB) (*ostree.Repo, ostree.Checksum) {
	t.Helper()
	repo := ostreetest.Repo(t, ostree.ModeBareUser)
	return repo, bootable(t, repo, system())
}

// bootable makes a commit with the metadata of a system.
func bootable(t testing.TB, repo *ostree.Repo, tree ostreetest.Tree) (c ostree.Checksum) {
	t.Helper()
	plain := ostreetest.Commit(t, repo, "plain", tree)
	commit, err := repo.LoadCommit(t.Context(), plain)
	require.NoError(t, err)
	commit.Subject = "a system"
	commit.Metadata = ostree.Metadata{{Key: ostree.MetadataVersion, Value: gvariant.String("12.1")}}
	commit.Metadata.SetBootable("6.1")
	commit.Metadata.Set(ostree.MetadataRefBinding, gvariant.Strings([]string{"test"}))
	require.NoError(t, repo.Update(t.Context(), func(w *ostree.Writer) error {
		if c, err = w.WriteCommit(t.Context(), *commit); err != nil {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: "test"}, c)
	}))
	return c
}

// owner gives the files of system to packages.
func owner(path string) string {
	switch {
	case strings.HasPrefix(path, "usr/bin/"):
		return "tools"
	case strings.HasPrefix(path, "usr/lib/modules/"):
		return "linux"
	case strings.HasPrefix(path, "usr/share/doc/a"):
		return "a"
	case strings.HasPrefix(path, "usr/share/doc/b"):
		return "b"
	}
	return ""
}

// chunked are options with which system has a layer for each package.
func chunked() oci.ExportOptions {
	return oci.ExportOptions{Owner: owner, Architecture: "amd64", Components: []oci.Component{
		{Name: "tools", Changes: 3}, {Name: "linux", Changes: 12}, {Name: "a", Source: "ab"}, {Name: "b", Source: "ab"},
	}}
}

func locate(t testing.TB, text string) oci.Location {
	t.Helper()
	l, err := oci.ParseLocation(text)
	require.NoError(t, err)
	return l
}

// layout is a place for an image in a directory that does not exist yet.
func layout(t testing.TB) oci.Location {
	t.Helper()
	return locate(t, "oci:"+filepath.Join(t.TempDir(), "image")+":latest")
}

func export(t testing.TB, repo *ostree.Repo, c ostree.Checksum, to oci.Location, opts oci.ExportOptions) *oci.Exported {
	t.Helper()
	exported, err := oci.Export(t.Context(), repo, c, to, opts)
	require.NoError(t, err)
	return exported
}

func open(t testing.TB, l oci.Location) *oci.Image {
	t.Helper()
	image, err := oci.Open(t.Context(), l, oci.Options{Architecture: "amd64"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, image.Close()) })
	return image
}

// checkSound makes sure that a repository has nothing but sound objects.
func checkSound(t testing.TB, repo *ostree.Repo) {
	t.Helper()
	report, err := repo.Fsck(t.Context(), ostree.FsckOptions{})
	require.NoError(t, err)
	require.Empty(t, report.Problems)
}
