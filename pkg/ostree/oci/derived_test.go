package oci_test

import (
	"archive/tar"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// derive makes an image of system with layers on top, and imports it.
func derive(t *testing.T, layers ...[]entry) (*ostree.Repo, *oci.Imported, error) {
	t.Helper()
	repo, commit := source(t)
	to := layout(t)
	export(t, repo, commit, to, chunked())
	f := forge(t, to)
	for _, l := range layers {
		f.derive(l...)
	}
	other := ostreetest.Repo(t, ostree.ModeBareUser)
	imported, err := f.finish().Import(t.Context(), other, oci.ImportOptions{})
	if err == nil {
		require.Equal(t, commit, imported.Base)
		checkSound(t, other)
	}
	return other, imported, err
}

// lines are the lines of a listing without those of the directories above.
func lines(t *testing.T, repo *ostree.Repo, c ostree.Checksum, paths ...string) string {
	t.Helper()
	var found []string
	for line := range strings.Lines(ostreetest.List(t, repo, c)) {
		for _, p := range paths {
			if strings.Contains(line, p) {
				found = append(found, strings.TrimSpace(line))
				break
			}
		}
	}
	return strings.Join(found, "\n")
}

func TestDerivedLayersGoOnTop(t *testing.T) {
	t.Parallel()
	changed := file("sysroot/ostree/repo/objects/00/"+strings.Repeat("ab", 31)+".file", "new ping")
	changed.ModTime = time.Unix(1700000001, 0)
	caps := file("usr/bin/caps", "x")
	caps.PAXRecords = map[string]string{"SCHILY.xattr.user.caps": "all"}
	repo, imported, err := derive(t,
		[]entry{
			special(tar.TypeDir, "etc/", ""),
			file("etc/motd", "hello"),
			file("usr/bin/new", "new"),
			special(tar.TypeLink, "usr/bin/newer", "usr/bin/new"),
			special(tar.TypeSymlink, "usr/bin/newest", "new"),
			caps,
			file("usr/bin/.wh.su", ""),
			special(tar.TypeDir, "usr/share/doc/", ""),
			file("usr/share/doc/.wh..wh..opq", ""),
			file("usr/share/doc/c", "c"),
			changed,
			special(tar.TypeLink, "usr/bin/ping", changed.Name),
			file("tmp/junk", "dropped"),
			special(tar.TypeDir, "tmp/", ""),
			file("opt/dropped", "dropped"),
		},
		[]entry{file("usr/bin/.wh.newest", ""), file("usr/share/private", "a file now"), file("usr/lib/empty/now/a/directory", "x")},
	)
	require.NoError(t, err)
	require.Equal(t, 7, imported.Fetched)
	require.Equal(t, strings.Join([]string{
		"d00755 0 0 /tmp",
		"d00755 0 0 /usr/bin",
		`-00644 0 0 1 /usr/bin/caps {user.caps="all"}`,
		"-00644 0 0 3 /usr/bin/new",
		"-00644 0 0 3 /usr/bin/newer",
		"-00644 0 0 8 /usr/bin/ping",
		`-00755 0 0 4 /usr/bin/ping4 {security.selinux="bin_t\x00" user.caps="a\x00b"}`,
		"-00644 0 0 5 /usr/etc/motd",
		"d00755 0 0 /usr/lib/empty",
		"d00755 0 0 /usr/lib/empty/now",
		"d00755 0 0 /usr/lib/empty/now/a",
		"-00644 0 0 1 /usr/lib/empty/now/a/directory",
		"d00755 0 0 /usr/share/doc",
		"-00644 0 0 1 /usr/share/doc/c",
		"-00644 0 0 10 /usr/share/private",
	}, "\n"), lines(t, repo, imported.Commit, "/usr/bin", "/tmp", "/opt", "motd", "/usr/share/doc", "/usr/share/private", "/usr/lib/empty"))
}

func TestDerivedLayersOfHostileBuilds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		entry entry
		want  string
	}{
		{"whiteout of the directory", file("usr/bin/.wh.", ""), `entry "usr/bin/.wh.": ".wh." is a whiteout of no name`},
		{"whiteout of the parent", file("usr/bin/.wh...", ""), `is a whiteout of no name`},
		{"device", special(tar.TypeBlock, "usr/lib/sda", ""), `entry of type '4'`},
		{"link to nothing", special(tar.TypeLink, "usr/bin/x", "usr/bin/nothing"), `which did not come before`},
		{"link to what is dropped", special(tar.TypeLink, "usr/bin/x", "opt/x"), `which is no part of the system`},
		{"link to a strange object", special(tar.TypeLink, "usr/bin/x", "sysroot/ostree/repo/objects/00/"+strings.Repeat("ab", 31)+".file"), `which the commit does not have`},
		{"link out", special(tar.TypeLink, "usr/bin/x", "../x"), `name with ..`},
		{"absolute", file("/usr/bin/x", ""), `absolute name`},
		{"the root as a file", file(".", ""), `the root is not a directory`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := derive(t, []entry{c.entry})
			require.ErrorContains(t, err, c.want)
			_, ok := asLayer(err)
			require.True(t, ok, "%v", err)
		})
	}
}

func TestSignatureDoesNotCoverDerivedLayers(t *testing.T) {
	t.Parallel()
	repo, commit := source(t)
	to := layout(t)
	export(t, repo, commit, to, chunked())
	f := forge(t, to)
	f.derive(file("usr/bin/new", "new"))
	_, err := f.finish().Import(t.Context(), ostreetest.Repo(t, ostree.ModeBareUser), oci.ImportOptions{Verification: signedBy(t, newKey(t))})
	require.ErrorContains(t, err, "the commit's does not cover the 1 layers on top of it")
}
