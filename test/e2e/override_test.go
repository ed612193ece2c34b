package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
)

// TestPackagesOfTheBase layers files, and replaces and leaves out packages of a real Debian; at last
// without any archive and with an empty cache.
func TestPackagesOfTheBase(t *testing.T) {
	needAll(t)
	s := newSystem(t)
	base := s.status().Deployments[0].Checksum
	mine := apttest.Deb{
		Package: "mine", Version: "1:1.0", Depends: "less",
		Files:   []apttest.File{{Path: "usr/bin/mine", Mode: 0o755, Content: "#!/bin/sh\necho mine\n"}},
		Scripts: map[string]string{"postinst": "echo configured >/usr/lib/mine-was-here"},
	}.Write(t, t.TempDir())
	less := apttest.Deb{
		Package: "less", Version: "999", Architecture: "amd64",
		Files:   []apttest.File{{Path: "usr/bin/less", Mode: 0o755, Content: "#!/bin/sh\necho less is more\n"}},
		Scripts: map[string]string{"preinst": `test "$1" = upgrade`, "postinst": `test "$1" = configure && test -n "$2"`},
	}.Write(t, t.TempDir())

	t.Run("a file is layered and kept", func(t *testing.T) {
		s.run("install", mine)
		require.NoError(t, os.Remove(mine))
		require.Equal(t, "mine\n", s.inside("mine").stdout)
		s.run("install", "hello")
		require.Equal(t, "configured\n", s.inside("cat", "/usr/lib/mine-was-here").stdout)
		require.Equal(t, []string{"mine_1:1.0_all"}, s.status().Deployments[0].RequestedLocalPackages)
		s.checkDpkg(t)
	})
	t.Run("replaced", func(t *testing.T) {
		s.run("override", "replace", less)
		require.NoError(t, os.Remove(less))
		require.Equal(t, "less is more\n", s.inside("less").stdout)
		require.Equal(t, "999", s.inside("dpkg-query", "--admindir=/usr/lib/sysimage/dpkg", "-W", "-f", "${Version}", "less").stdout)
		require.Equal(t, "mine\n", s.inside("mine").stdout)
		s.checkDpkg(t)
		s.run("override", "reset", "less")
		require.Contains(t, s.inside("less", "--version").stdout, "less 5")
	})
	t.Run("left out", func(t *testing.T) {
		out := s.try("override", "remove", "less")
		require.Equal(t, 1, out.code)
		require.Contains(t, out.stderr, "mine")
		s.run("override", "remove", "less", "--uninstall=mine")
		require.NotZero(t, s.inside("less", "--version").code)
		require.NotZero(t, s.inside("dpkg-query", "--admindir=/usr/lib/sysimage/dpkg", "-s", "less").code)
		require.NotContains(t, s.inside("readlink", "/etc/alternatives/pager").stdout, "less", "its prerm ran")
		s.checkDpkg(t)
		require.Contains(t, s.try("override", "remove", "dpkg").stderr, "--remove-essential")
	})
	t.Run("another kernel", func(t *testing.T) { s.replaceKernel(t) })
	t.Run("alone", func(t *testing.T) { s.withoutArchives(t, base) })
	run(t, "ostree", "fsck", "--repo="+s.repo)
}

// replaceKernel takes another kernel that the archives have.
func (s *system) replaceKernel(t *testing.T) {
	t.Helper()
	const follower = "linux-image-cloud-amd64"
	before := line(s.inside("ls", "/usr/lib/modules").stdout)
	versions := regexp.MustCompile(`(?m)^Version: (.*)$`).FindAllStringSubmatch(run(t, "apt-cache", "show", follower), -1)
	require.NotEmpty(t, versions)
	installed := s.inside("dpkg-query", "--admindir=/usr/lib/sysimage/dpkg", "-W", "-f", "${Version}", follower).stdout
	other := ""
	for _, v := range versions {
		if v[1] != installed {
			other = v[1]
		}
	}
	if other != "" {
		s.run("override", "replace", follower+"="+other)
	} else { // the archives have one version: another flavour
		release := strings.TrimSpace(before)
		s.run("override", "remove", follower, "linux-image-"+release, "--install=linux-image-amd64")
	}
	after := line(s.inside("ls", "/usr/lib/modules").stdout)
	require.NotEqual(t, before, after)
	require.Len(t, strings.Fields(after), 1, "one kernel")
	require.Zero(t, s.inside("test", "-s", "/usr/lib/modules/"+after+"/initramfs.img").code)
	entries, err := filepath.Glob(filepath.Join(s.path, "boot/loader/entries/*.conf"))
	require.NoError(t, err)
	text := ""
	for _, entry := range entries {
		data, err := os.ReadFile(entry)
		require.NoError(t, err)
		text += string(data)
	}
	require.Contains(t, text, "vmlinuz-"+after)
	s.checkDpkg(t)
}

// withoutArchives goes back step by step when every archive is gone and the cache is empty.
func (s *system) withoutArchives(t *testing.T, base string) {
	t.Helper()
	require.NoError(t, os.RemoveAll(filepath.Join(s.path, "ostree/deploy/debian/var/cache/apt-ostree")))
	etc := filepath.Join(s.path, "ostree/deploy/debian/deploy", s.status().Deployments[0].Checksum+".0/etc/apt")
	lists, err := filepath.Glob(etc + "/sources.list.d/*")
	require.NoError(t, err)
	for _, file := range lists {
		require.NoError(t, os.Remove(file))
	}
	require.NoError(t, os.WriteFile(etc+"/sources.list", []byte("deb http://127.0.0.1:1/debian bookworm main\n"), 0o644))
	require.Equal(t, 1, s.try("install", "cowsay").code)

	s.run("override", "remove", "netbase") // with another kernel, whose initramfs is made anew
	require.Contains(t, s.inside("hello").stdout, "Hello")
	s.run("override", "reset", "--all")
	require.Contains(t, s.inside("less", "--version").stdout, "less 5")
	s.checkDpkg(t)
	s.run("uninstall", "hello", "--unpacker=dpkg")
	require.NotZero(t, s.inside("hello").code)
	require.Equal(t, base, s.status().Deployments[0].Checksum)
	s.run("rollback")
	s.run("reset")
	require.Equal(t, base, s.status().Deployments[0].Checksum)
}
