package deb_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
)

// extract writes the data archive into root without changing owners.
func extract(t *testing.T, root string, items ...item) error {
	t.Helper()
	return open(t, pkg(tarball(items...)), deb.Limits{}).Extract(t.Context(), root, deb.ExtractOptions{KeepOwner: true})
}

func TestExtractStaysInside(t *testing.T) {
	t.Parallel()
	for name, items := range map[string][]item{
		"absolute link":   {{name: "./d", typ: '2', link: "/outside"}, {name: "./d/x", data: "bad"}},
		"relative link":   {{name: "./d", typ: '2', link: "../../outside"}, {name: "./d/x", data: "bad"}},
		"link on a link":  {{name: "./d", typ: '2', link: "../outside"}, {name: "./d/x", typ: '2', link: "bad"}},
		"existing link":   {{name: "./escape/x", data: "bad"}},
		"existing file":   {{name: "./file", data: "bad"}},
		"directory":       {{name: "./escape/x", typ: '5', mode: 0o777}},
		"hard link":       {{name: "./a", data: "bad"}, {name: "./escape/x", typ: '1', link: "./a"}},
		"device filtered": {{name: "./escape", typ: '5'}, {name: "./escape/x", typ: '0'}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := t.TempDir()
			root, outside := filepath.Join(top, "root"), filepath.Join(top, "outside")
			require.NoError(t, os.Mkdir(root, 0o755))
			require.NoError(t, os.Mkdir(outside, 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(outside, "file"), []byte("good"), 0o600))
			require.NoError(t, os.Symlink(outside, filepath.Join(root, "escape")))
			require.NoError(t, os.Symlink(filepath.Join(outside, "file"), filepath.Join(root, "file")))
			require.NoError(t, extract(t, root, items...))
			left, err := os.ReadDir(outside)
			require.NoError(t, err)
			require.Len(t, left, 1)
			content, err := os.ReadFile(filepath.Join(outside, "file"))
			require.NoError(t, err)
			require.Equal(t, "good", string(content))
		})
	}
}

func TestExtractFollowsMergedUsr(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	require.NoError(t, os.Symlink("usr/lib", filepath.Join(root, "lib"))) // its target does not exist yet
	require.NoError(t, os.Symlink("/usr/bin", filepath.Join(root, "bin")))
	require.NoError(t, extract(t, root,
		item{name: "./lib/", typ: '5', mode: 0o700},
		item{name: "./lib/a/b", data: "1", mode: 0o640},
		item{name: "./bin/sh", typ: '2', link: "dash"},
		item{name: "./bin/dash", data: "2", mode: 0o4755},
		item{name: "./usr/bin/hard", typ: '1', link: "./bin/dash"},
		item{name: "./lib", typ: '2', link: "elsewhere"}, // never replaces a directory
	))
	for path, want := range map[string]string{"usr/lib/a/b": "1", "usr/bin/sh": "2", "usr/bin/hard": "2"} {
		content, err := os.ReadFile(filepath.Join(root, path))
		require.NoError(t, err)
		require.Equal(t, want, string(content))
	}
	info, err := os.Lstat(filepath.Join(root, "usr/bin/dash"))
	require.NoError(t, err)
	require.Equal(t, os.ModeSetuid|0o755, info.Mode())
	require.Equal(t, int64(1_700_000_000), info.ModTime().Unix())
	info, err = os.Lstat(filepath.Join(root, "usr/lib"))
	require.NoError(t, err)
	require.Equal(t, os.ModeDir|0o755, info.Mode(), "an existing directory keeps its mode")
}

func TestExtractReplaces(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	require.NoError(t, extract(t, root, item{name: "./a", data: "old"}, item{name: "./b", data: "old"}, item{name: "./d/x", data: "x"}))
	require.NoError(t, extract(t, root, item{name: "./a", data: "new", mode: 0o644}, item{name: "./b", typ: '5', mode: 0o755}, item{name: "./d", typ: '2', link: "a"}))
	content, err := os.ReadFile(filepath.Join(root, "a"))
	require.NoError(t, err)
	require.Equal(t, "new", string(content))
	require.DirExists(t, filepath.Join(root, "b"))
	require.NoError(t, os.Symlink("a", filepath.Join(root, "to-file")))
	require.NoError(t, os.Symlink("loop", filepath.Join(root, "loop")))
	require.NoError(t, extract(t, root, item{name: "./to-file", typ: '5', mode: 0o755}, item{name: "./loop", typ: '5', mode: 0o755}))
	require.DirExists(t, filepath.Join(root, "to-file"))
	require.DirExists(t, filepath.Join(root, "loop"))
	require.FileExists(t, filepath.Join(root, "d/x"))
	require.ErrorContains(t, extract(t, root, item{name: "./d", data: "x"}), "extract /d: is a directory")
	require.ErrorContains(t, extract(t, root, item{name: "./a/x", data: "x"}), "extract /a/x: not a directory")
}

func TestExtractRefusesSpecialFiles(t *testing.T) {
	t.Parallel()
	r := open(t, pkg(tarball(item{name: "./dev/null", typ: '3'}, item{name: "./run/fifo", typ: '6'}, item{name: "./x"})), deb.Limits{})
	root := t.TempDir()
	err := r.Extract(t.Context(), root, deb.ExtractOptions{KeepOwner: true})
	var special *deb.SpecialFileError
	require.ErrorAs(t, err, &special)
	require.Equal(t, deb.SpecialFileError{Path: "dev/null", Type: deb.CharDevice}, *special)
	require.NoError(t, r.Extract(t.Context(), root, deb.ExtractOptions{KeepOwner: true, SkipSpecial: true}))
	require.NoFileExists(t, filepath.Join(root, "dev/null"))
	require.FileExists(t, filepath.Join(root, "x"))
}

func TestExtractResolvesOwnersInTheTree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "etc"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc/passwd"), []byte("man:x:6:12:man:/:/bin/sh\nbroken\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc/group"), []byte("crontab:x:999:\n"), 0o600))
	r := open(t, pkg(tarball(
		item{name: "./file", mode: 0o2755, uid: 77, user: "man", gid: 78, group: "crontab"},
		item{name: "./link", typ: '2', link: "x", uid: 77, user: "man", gid: 78, group: "unknown"},
		item{name: "./dir", typ: '5', mode: 0o1733, uid: 77, user: "nobody", gid: 78, group: "crontab"},
	)), deb.Limits{})
	require.NoError(t, r.Extract(t.Context(), root, deb.ExtractOptions{}))
	for path, want := range map[string][3]uint32{
		"file": {6, 999, syscall.S_IFREG | 0o2755}, "link": {6, 78, syscall.S_IFLNK | 0o777}, "dir": {77, 999, syscall.S_IFDIR | 0o1733},
	} {
		var st syscall.Stat_t
		require.NoError(t, syscall.Lstat(filepath.Join(root, path), &st))
		require.Equal(t, want, [3]uint32{st.Uid, st.Gid, st.Mode}, path)
	}
}

// TestExtractLikeDpkg compares with dpkg-deb on packages that dpkg-deb built.
func TestExtractLikeDpkg(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("dpkg-deb"))
	run := func(name string, args ...string) string {
		out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	src := t.TempDir()
	run("sh", "-ec", `cd "$1"; mkdir -m 755 DEBIAN usr usr/bin var; mkdir -m 1733 var/sessions
		printf 'Package: x\nVersion: 1\nArchitecture: all\nMaintainer: M <m@archive.example>\nDescription: x\n' > DEBIAN/control
		echo a > usr/bin/a; ln usr/bin/a usr/bin/b; ln -s a usr/bin/c; chmod 4711 usr/bin/a; chown 1:2 usr/bin/a
		n=$(printf 'n%.0s' $(seq 200)); mkdir -p var/$n/$n; echo long > var/$n/$n/$n; ln -s $n/$n/$n/$n var/$n/$n/link
		truncate -s 3M usr/sparse; touch -d 1980-01-02 usr/sparse`, "sh", src)
	list := `cd "$1"; find . -type d -printf '%p %M %u %g\n' -o -printf '%p %M %u %g %s %n %l %TY-%Tm-%Td %TH%TM\n' | sort`
	for _, compression := range []string{"none", "gzip", "xz", "zstd"} {
		file := filepath.Join(t.TempDir(), "x.deb")
		run("dpkg-deb", "-Z"+compression, "-b", src, file)
		ours, theirs := t.TempDir(), t.TempDir()
		r, err := deb.Open(file, deb.Options{})
		require.NoError(t, err)
		require.NoError(t, r.Extract(t.Context(), ours, deb.ExtractOptions{}))
		require.NoError(t, r.Close())
		run("dpkg-deb", "-x", file, theirs)
		trim := func(s string) string { return s[strings.Index(s, "\n./"):] } // the root itself stays as it was
		require.Equal(t, trim(run("sh", "-ec", list, "sh", theirs)), trim(run("sh", "-ec", list, "sh", ours)))
		run("diff", "-r", "--no-dereference", theirs, ours)
	}
}
