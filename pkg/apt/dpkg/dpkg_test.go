package dpkg_test

import (
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

const status = `Package: bash
Essential: yes
Status: install ok installed
Priority: required
Installed-Size: 7164
Architecture: amd64
Multi-Arch: foreign
Version: 5.2.15-2
Depends: base-files (>= 2.1.12)
Conffiles:
 /etc/bash.bashrc 89269e1298235f1b12b4c16e4065ad0d
 /etc/with blank 3408cb5a3ba0a8a41b4b2bc2e6d4d5d3 obsolete
 /etc/gone 22fa7a6d0a2a1a8b0f3b0b4e6f2ab0b4 obsolete remove-on-upgrade
Description: GNU Bourne Again SHell 
 Bash is a shell.

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1.0
Config-Version: 1.0

Package: never
Status: unknown ok not-installed
Priority: optional

Package: trigger
Status: install ok triggers-pending
Architecture: all
Version: 2
Triggers-Pending: /usr/share/x y

Package: half
Status: install reinstreq half-installed
Architecture: amd64
Version: 3
`

func TestReadStatus(t *testing.T) {
	t.Parallel()
	entries, err := dpkg.ReadStatus(strings.NewReader(status))
	require.NoError(t, err)
	require.Len(t, entries, 5)
	bash := entries[0]
	require.Equal(t, []dpkg.Conffile{
		{Path: "/etc/bash.bashrc", Hash: "89269e1298235f1b12b4c16e4065ad0d"},
		{Path: "/etc/with blank", Hash: "3408cb5a3ba0a8a41b4b2bc2e6d4d5d3", Obsolete: true},
		{Path: "/etc/gone", Hash: "22fa7a6d0a2a1a8b0f3b0b4e6f2ab0b4", Obsolete: true, Remove: true},
	}, bash.Conffiles)
	require.Equal(t, []string{"install", "ok", "installed"}, []string{bash.Want, bash.Flag, bash.State})
	require.True(t, bash.Package.Essential)
	require.Contains(t, bash.Paragraph.Raw(), "Again SHell \n", "a trailing blank is kept")
	require.Equal(t, "1.0", entries[1].ConfigVersion)
	require.Nil(t, entries[2].Package)
	require.Equal(t, []string{"/usr/share/x", "y"}, entries[3].TriggersPending)

	var names []string
	for _, p := range dpkg.Installed(entries) {
		names = append(names, p.String())
	}
	require.Equal(t, []string{"bash:amd64=5.2.15-2", "trigger:all=2"}, names)
}

func TestReadStatusRefuses(t *testing.T) {
	t.Parallel()
	for want, text := range map[string]string{
		"no field Package":         "Status: install ok installed\n",
		"is not three words":       "Package: a\nStatus: install\n",
		"line 5: package b: field": "Package: a\nStatus: a b not-installed\n\n\nPackage: b\nStatus: install ok installed\nVersion: x y\nArchitecture: all\n",
		"no path and hash":         "Package: a\nStatus: install ok installed\nConffiles:\n /x\n",
		"no field Version":         "Package: a\nStatus: install ok installed\nArchitecture: all\n",
	} {
		_, err := dpkg.ReadStatus(strings.NewReader(text))
		require.ErrorContains(t, err, want)
	}
}

func TestAudit(t *testing.T) {
	t.Parallel()
	entries, err := dpkg.ReadStatus(strings.NewReader(status + `
Package: fresh
Status: install ok installed
Architecture: all
Version: 1
Conffiles:
 /etc/fresh newconffile

Package: doomed
Status: purge ok installed
Architecture: all
Version: 1

Package: waiting
Status: install ok triggers-awaited
Architecture: all
Version: 1
Triggers-Awaited: man-db
`))
	require.NoError(t, err)
	require.NoError(t, dpkg.Audit(entries[:1]))
	require.NoError(t, dpkg.Audit(entries[2:3]))
	leaving, err := dpkg.ReadStatus(strings.NewReader(`Package: leaving
Status: install ok installed
Architecture: all
Version: 1
Conffiles:
 /etc/leaving newconffile remove-on-upgrade
`))
	require.NoError(t, err)
	require.NoError(t, dpkg.Audit(leaving), "what an upgrade removes is never put in place")
	err = dpkg.Audit(entries)
	var audit *dpkg.AuditError
	require.ErrorAs(t, err, &audit)
	require.Equal(t, `packages are not completely installed:
  gone:all is removed but left its configuration behind
  trigger:all has pending triggers: /usr/share/x y
  half:amd64 is broken (reinstreq), it has to be installed again
  fresh:all has the conffile /etc/fresh that was not put in place
  doomed:all is installed but selected for purge
  waiting:all waits for the triggers of man-db`, err.Error())
}

func TestReadStatusFS(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for _, dir := range dpkg.Directories() {
		entries, err := dpkg.ReadStatusFS(fstest.MapFS{
			dir + "/status":        file(status),
			dir + "/updates/0001":  file("Package: never\nStatus: install ok unpacked\nArchitecture: all\nVersion: 1\n"),
			dir + "/updates/0002":  file("Package: bash\nStatus: install ok half-configured\nArchitecture: amd64\nVersion: 6\n"),
			dir + "/updates/tmp.i": file("not a journal file"),
		})
		require.NoError(t, err)
		require.Len(t, entries, 6)
		require.Equal(t, "half-configured", entries[0].State)
	}
	_, err := dpkg.ReadStatusFS(fstest.MapFS{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "usr/lib/sysimage/dpkg")
	_, err = dpkg.ReadStatusFS(fstest.MapFS{"var/lib/dpkg/status": file("Package: a\n")})
	require.ErrorContains(t, err, "read var/lib/dpkg/status: line 1: package a")
}

// TestAgreesWithDpkgQuery reads the database of the machine.
func TestAgreesWithDpkgQuery(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("dpkg-query"))
	out, err := exec.CommandContext(t.Context(), "dpkg-query", "-W", "-f", "${Package}:${Architecture}=${Version} ${Status}\n").Output()
	require.NoError(t, err)
	entries, err := dpkg.ReadStatusFS(os.DirFS("/"))
	require.NoError(t, err)
	var ours []string
	for _, e := range entries {
		if e.Package != nil {
			ours = append(ours, e.Package.String()+" "+e.Want+" "+e.Flag+" "+e.State)
		}
	}
	require.ElementsMatch(t, strings.Split(strings.TrimSpace(string(out)), "\n"), ours)
}

func TestDiff(t *testing.T) {
	t.Parallel()
	set := func(list ...string) []*apt.Package {
		var packages []*apt.Package
		for _, text := range list {
			words := strings.Fields(text)
			v, err := version.Parse(words[2])
			require.NoError(t, err)
			packages = append(packages, &apt.Package{Name: words[0], Architecture: words[1], Version: v})
		}
		return packages
	}
	c := dpkg.Diff(
		set("same all 1", "up amd64 1~rc1", "down amd64 2", "gone all 1", "toall amd64 1", "fromall all 1", "two amd64 1", "two i386 1", "equal all 1.0"),
		set("new all 1", "down amd64 1", "up amd64 1", "same all 1", "toall all 2", "fromall amd64 2", "two all 2", "equal all 1.00"))
	text := func(list []dpkg.Change) (out []string) {
		for _, change := range list {
			out = append(out, change.From.String()+" "+change.To.String())
		}
		return out
	}
	names := func(list []*apt.Package) (out []string) {
		for _, p := range list {
			out = append(out, p.String())
		}
		return out
	}
	require.Equal(t, []string{"new:all=1", "two:all=2"}, names(c.Added))
	require.Equal(t, []string{"gone:all=1", "two:amd64=1", "two:i386=1"}, names(c.Removed))
	require.Equal(t, []string{"fromall:all=1 fromall:amd64=2", "toall:amd64=1 toall:all=2", "up:amd64=1~rc1 up:amd64=1"}, text(c.Upgraded))
	require.Equal(t, []string{"down:amd64=2 down:amd64=1"}, text(c.Downgraded))
	require.False(t, c.Empty())
	require.True(t, dpkg.Diff(set("a all 1"), set("a all 1")).Empty())
}

func FuzzReadStatus(f *testing.F) {
	f.Add(status)
	f.Add("Package: a\nStatus: install ok installed\nConffiles:\n /x y obsolete remove-on-upgrade\n")
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := dpkg.ReadStatus(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, p := range dpkg.Installed(entries) {
			require.NotEmpty(t, p.Name)
		}
		if audit := dpkg.Audit(entries); audit != nil {
			require.NotEmpty(t, audit.Error())
		}
	})
}
