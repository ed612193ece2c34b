package container_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn/container"
)

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

// debian is a commit of a system with three packages of two sources.
func debian(t *testing.T) ostreetest.Tree {
	t.Helper()
	const db = "usr/lib/sysimage/dpkg/"
	paragraph := func(name, source string) string {
		return "Package: " + name + "\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nSource: " + source + "\n\n"
	}
	entry := func(date string) string {
		return "x (1) stable; urgency=low\n\n  * A change.\n\n -- A B <a@b.example>  " + date + "\n\n"
	}
	return ostreetest.Tree{
		db + "status":                             ostreetest.File(paragraph("editor", "editor") + paragraph("libedit", "editor") + paragraph("linux", "linux")),
		db + "info/editor.list":                   ostreetest.File("/.\n/bin\n/bin/editor\n/etc\n/etc/editor.conf\n"),
		db + "info/libedit.list":                  ostreetest.File("/.\n/usr/lib/libedit.so\n/var/lib/edit/state\n/opt/edit/x\n"),
		db + "info/linux.list":                    ostreetest.File("/.\n/boot/vmlinuz-6.1\n/lib/modules/6.1/kernel/a.ko\n"),
		"usr/bin/editor":                          ostreetest.File("e"),
		"usr/etc/editor.conf":                     ostreetest.File("c"),
		"usr/lib/libedit.so":                      ostreetest.File("l"),
		"usr/share/factory/var/lib/edit/state":    ostreetest.File("s"),
		"usr/lib/opt/edit/x":                      ostreetest.File("x"),
		"usr/lib/modules/6.1/vmlinuz":             ostreetest.File("k"),
		"usr/lib/modules/6.1/kernel/a.ko":         ostreetest.File("m"),
		"usr/lib/modules/6.1/initramfs.img":       ostreetest.File("i"),
		"usr/lib/nobody":                          ostreetest.File("n"),
		"usr/share/doc/linux/changelog.Debian.gz": ostreetest.File(gzipped(t, entry("Mon, 02 Jan 2023 10:00:00 +0000")+entry("Thu,  1 Dec 2022 10:00:00 +0000")+entry("Wed, 01 Jan 2020 10:00:00 +0000"))),
		"usr/share/doc/editor/changelog.gz":       ostreetest.File(gzipped(t, entry("Fri, 01 Jan 2021 10:00:00 +0000"))),
	}
}

func TestOwners(t *testing.T) {
	t.Parallel()
	repo := ostreetest.Repo(t, ostree.ModeBareUser)
	owners, err := container.ReadOwners(t.Context(), repo, ostreetest.Commit(t, repo, "test", debian(t)))
	require.NoError(t, err)
	require.Equal(t, []oci.Component{
		{Name: "editor", Source: "editor"}, {Name: "libedit", Source: "editor"}, {Name: "linux", Source: "linux", Changes: 2},
	}, owners.Components)
	for path, want := range map[string]string{
		"usr/bin/editor": "editor", "usr/etc/editor.conf": "editor", "usr/lib/libedit.so": "libedit",
		"usr/share/factory/var/lib/edit/state": "libedit", "usr/lib/opt/edit/x": "libedit",
		"usr/lib/modules/6.1/vmlinuz": "linux", "usr/lib/modules/6.1/kernel/a.ko": "linux",
		"usr/lib/modules/6.1/initramfs.img": "initramfs", "usr/lib/sysimage/dpkg/status": "package-database", "usr/lib/nobody": "",
	} {
		require.Equal(t, want, owners.Owner(path), path)
	}
}

func TestPackagesHaveLayers(t *testing.T) {
	t.Parallel()
	repo := ostreetest.Repo(t, ostree.ModeBareUser)
	to := oci.Location{Transport: oci.Layout, Name: filepath.Join(t.TempDir(), "image")}
	exported, err := container.Encapsulate(t.Context(), repo, ostreetest.Commit(t, repo, "test", debian(t)), to, oci.ExportOptions{})
	require.NoError(t, err)
	var layers []string
	for _, l := range exported.Layers {
		layers = append(layers, strings.Join(l.Components, "+"))
	}
	require.Equal(t, []string{"", "editor+libedit", "initramfs", "linux", "package-database", "unpackaged"}, layers)
}

func TestOtherSystemsAreOneLayer(t *testing.T) {
	t.Parallel()
	repo := ostreetest.Repo(t, ostree.ModeBareUser)
	to := oci.Location{Transport: oci.Layout, Name: filepath.Join(t.TempDir(), "image")}
	commit := ostreetest.Commit(t, repo, "test", ostreetest.Tree{"usr/bin/a": ostreetest.File("a")})
	exported, err := container.Encapsulate(t.Context(), repo, commit, to, oci.ExportOptions{})
	require.NoError(t, err)
	require.Len(t, exported.Layers, 1)
}
