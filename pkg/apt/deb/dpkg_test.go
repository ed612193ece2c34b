package deb_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
)

// aRow is one rule of the format, as a package that dpkg is asked about too.
type aRow struct {
	name string
	pkg  []byte
	// dpkg says whether dpkg unpacks it, ours whether we do. Where they differ, why says what for.
	dpkg, ours bool
	why        string
}

// named packs a package whose control archive dpkg accepts.
func named(data []byte) []byte { return outer(fullControl(), data) }

// fullControl is a control archive with all that dpkg insists on.
func fullControl(more ...item) []byte {
	text := "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: M <m@archive.example>\nDescription: x\n"
	return tarball(append([]item{{name: "./", typ: '5', mode: 0o755}, {name: "./control", typ: '0', mode: 0o644, data: text}}, more...)...)
}

// outer packs a package from its two archives.
func outer(control, data []byte) []byte {
	return archive("debian-binary", "2.0\n", "control.tar", string(control), "data.tar", string(data))
}

// entries packs a package of these entries.
func entries(items ...item) []byte {
	return named(tarball(append([]item{{name: "./", typ: '5', mode: 0o755}}, items...)...))
}

// dpkgRows are the rules of deb(5) and of dpkg's reader of tar archives.
func dpkgRows() []aRow {
	c, d := string(fullControl()), string(tarball(item{name: "./", typ: '5', mode: 0o755}, item{name: "./a", mode: 0o644, data: "x"}))
	long := "./" + strings.Repeat("n", 150)
	return []aRow{
		{name: "minor version", pkg: archive("debian-binary", "2.7\nmore\n", "control.tar", c, "data.tar", d), dpkg: true, ours: true},
		{name: "major version", pkg: archive("debian-binary", "3.0\n", "control.tar", c, "data.tar", d)},
		{name: "no version", pkg: archive("control.tar", c, "data.tar", d)},
		{name: "slash after member name", pkg: archive("debian-binary/", "2.0\n", "control.tar/", c, "data.tar/", d), dpkg: true, ours: true},
		{name: "underscore members", pkg: archive("debian-binary", "2.0\n", "_a", "x", "control.tar", c, "_b", "yy", "data.tar", d), dpkg: true, ours: true},
		{name: "member after data", pkg: archive("debian-binary", "2.0\n", "control.tar", c, "data.tar", d, "extra", "z"), dpkg: true, ours: true},
		{name: "member before control", pkg: archive("debian-binary", "2.0\n", "extra", "z", "control.tar", c, "data.tar", d)},
		{name: "member before data", pkg: archive("debian-binary", "2.0\n", "control.tar", c, "extra", "z", "data.tar", d)},
		{name: "data first", pkg: archive("debian-binary", "2.0\n", "data.tar", d, "control.tar", c)},
		{name: "no data", pkg: archive("debian-binary", "2.0\n", "control.tar", c)},
		{name: "unknown compression", pkg: archive("debian-binary", "2.0\n", "control.tar", c, "data.tar.lz4", d)},
		{name: "directory in control", pkg: outer(fullControl(item{name: "./d/", typ: '5', mode: 0o755}), []byte(d))},
		{name: "dots in control", pkg: outer(fullControl(item{name: "./a.b", mode: 0o644, data: "x"}), []byte(d)), dpkg: true, ours: true},

		{name: "v7", pkg: entries(item{name: "./a", magic: "\x00", mode: 0o640, data: "x"}), dpkg: true, ours: true},
		{name: "v7 directory", pkg: entries(item{name: "./d/", magic: "\x00", mode: 0o750}, item{name: "./d/a", mode: 0o640, data: "x"}), ours: true, why: "dpkg knows the form, and then makes it a file"},
		{name: "ustar prefix", pkg: entries(item{name: "./usr", typ: '5', mode: 0o755}, item{name: "a", prefix: "./usr", typ: '0', magic: "ustar\x0000", mode: 0o644, data: "x"}), dpkg: true, ours: true},
		{name: "base-256 size", pkg: entries(item{name: "./a", mode: 0o644, size: "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", data: "z"}), dpkg: true, ours: true},
		{name: "long name", pkg: entries(item{name: "././@LongLink", typ: 'L', data: long + "\x00"}, item{name: "./cut", mode: 0o644, data: "x"}), dpkg: true, ours: true},
		{name: "long link", pkg: entries(item{name: "././@LongLink", typ: 'K', data: long + "\x00"}, item{name: "./l", typ: '2', mode: 0o777, link: "cut"}), dpkg: true, ours: true},
		{name: "hard link", pkg: entries(item{name: "./a", mode: 0o4755, data: "x"}, item{name: "./b", typ: '1', mode: 0o4755, link: "./a"}), dpkg: true, ours: true},
		{name: "hard link to nothing", pkg: entries(item{name: "./b", typ: '1', mode: 0o644, link: "./a"}, item{name: "./a", mode: 0o644, data: "x"})},
		{name: "symlinks last", pkg: entries(item{name: "./d", typ: '2', mode: 0o777, link: "e"}, item{name: "./e", typ: '5', mode: 0o755}, item{name: "./e/a", mode: 0o644, data: "x"}, item{name: "./b", mode: 0o644, data: "y"}), dpkg: true, ours: true},
		{name: "owner by name", pkg: entries(item{name: "./a", mode: 0o2755, uid: 77, user: "man", gid: 78, group: "mail", data: "x"}), dpkg: true, ours: true},
		{name: "owner by number", pkg: entries(item{name: "./a", mode: 0o755, uid: 77, user: "nobody-here", gid: 78, data: "x"}), dpkg: true, ours: true},
		{name: "sticky directory", pkg: entries(item{name: "./d", typ: '5', mode: 0o1733}), dpkg: true, ours: true},
		{name: "directory that exists", pkg: entries(item{name: "./etc", typ: '5', mode: 0o700, uid: 5}, item{name: "./etc/a", mode: 0o600, data: "x"}), dpkg: true, ours: true},

		{name: "PAX", pkg: entries(item{name: "./a", typ: 'x', data: "20 path=b"}, item{name: "./a", data: "x"})},
		{name: "global PAX", pkg: entries(item{name: "./a", typ: 'g', data: "20 path=b"}, item{name: "./a", data: "x"})},
		{name: "sparse", pkg: entries(item{name: "./a", typ: 'S', data: "x"})},
		{name: "multi-volume", pkg: entries(item{name: "./a", typ: 'M', data: "x"})},
		{name: "volume label", pkg: entries(item{name: "./a", typ: 'V'})},
		{name: "dump directory", pkg: entries(item{name: "./a", typ: 'D', data: "x"})},
		{name: "Solaris", pkg: entries(item{name: "./a", typ: 'X', data: "x"})},
		{name: "unknown type", pkg: entries(item{name: "./a", typ: '9', data: "x"})},
		{name: "no name", pkg: entries(item{typ: '0', data: "x"})},
		{name: "newline", pkg: entries(item{name: "./a\nb", data: "x"})},
		{name: "checksum", pkg: entries(item{name: "./a", sum: "1234567\x00", data: "x"})},

		{name: "fifo", pkg: entries(item{name: "./p", typ: '6', mode: 0o644}), dpkg: true, why: "a commit holds none"},
		{name: "device", pkg: entries(item{name: "./p", typ: '3', mode: 0o644}), dpkg: true, why: "a commit holds none"},
		{name: "absolute name", pkg: entries(item{name: "/a", mode: 0o644, data: "x"}), dpkg: true, why: "no tool makes such packages"},
		{name: "upwards", pkg: entries(item{name: "./etc/../a", mode: 0o644, data: "x"}), dpkg: true, why: "dpkg does not look; it would leave the root too"},
	}
}

// TestRowsLikeDpkg unpacks a package for each rule by dpkg and by Extract: what one accepts the other
// must, and the trees must be equal.
func TestRowsLikeDpkg(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("dpkg"))
	for _, r := range dpkgRows() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, r.why == "", r.dpkg == r.ours, "a difference needs a reason")
			theirs, output, err := dpkgUnpacks(t, r.pkg)
			require.Equal(t, r.dpkg, err == nil, output)
			ours := emptySystem(t)
			if err = extractAll(t, r.pkg, ours); !r.ours {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			if r.dpkg {
				require.Equal(t, listing(t, theirs), listing(t, ours))
			}
		})
	}
}

// dpkgUnpacks lets dpkg unpack a package into a new root.
func dpkgUnpacks(t *testing.T, pkg []byte) (root, output string, err error) {
	t.Helper()
	root = emptySystem(t)
	file := filepath.Join(t.TempDir(), "x.deb")
	require.NoError(t, os.WriteFile(file, pkg, 0o600))
	out, err := exec.CommandContext(t.Context(), "dpkg", "--root="+root, "--log=/dev/null", "--unpack", file).CombinedOutput()
	return root, string(out), err
}

// haveDpkg tells whether dpkg can be asked.
func haveDpkg() bool {
	_, err := exec.LookPath("dpkg")
	return err == nil && os.Geteuid() == 0
}

// emptySystem makes a root with two accounts and an empty database.
func emptySystem(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.Chmod(root, 0o755))
	for _, dir := range []string{"etc", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	for name, text := range map[string]string{
		"etc/passwd": "man:x:6:12:man:/:/bin/sh\n", "etc/group": "mail:x:8:\n", "var/lib/dpkg/status": "", "var/lib/dpkg/available": "",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
		require.NoError(t, os.Chtimes(filepath.Join(root, name), time.Time{}, time.Unix(1, 0)))
	}
	return root
}

// extractAll reads a package completely and writes its files.
func extractAll(t *testing.T, pkg []byte, root string) error {
	t.Helper()
	r, err := deb.NewReader(bytes.NewReader(pkg), int64(len(pkg)), deb.Options{})
	if err != nil {
		return err
	}
	if _, err := r.Control(); err != nil {
		return err
	}
	return r.Extract(t.Context(), root, deb.ExtractOptions{})
}

// listing describes everything in a root but for dpkg's database.
func listing(t *testing.T, root string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "sh", "-ec", `cd "$1"
		find . -path ./var/lib/dpkg -prune -o \( -type d -printf '%p %M %U %G\n' -o -printf '%p %M %U %G %s %n %l %T@\n' \) | sort
		find . -path ./var/lib/dpkg -prune -o -type f -exec md5sum {} + | sort`, "sh", root).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}
