package data_test

import (
	"encoding/xml"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
)

// installed are the files that make install puts in place, besides the units, the manual and the completions, whose
// list is that of the commands.
var installed = []string{
	"etc/apt-ostreed.conf",
	"usr/bin/apt-ostree",
	"usr/libexec/apt-ostreed",
	"usr/lib/apt-ostree/apt-ostree-grub-menu",
	"usr/lib/tmpfiles.d/apt-ostree.conf",
	"usr/share/apt-ostree/compat/org.projectatomic.rpmostree1.service",
	"usr/share/dbus-1/interfaces/org.aptostree.dev.xml",
	"usr/share/dbus-1/system-services/org.aptostree.dev.service",
	"usr/share/dbus-1/system.d/org.aptostree.dev.conf",
	"usr/share/polkit-1/actions/org.aptostree.dev.policy",
}

// TestInstall installs below a directory, compares what is there with what should be, and has systemd look at the units.
func TestInstall(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("make"), testenv.Tool("systemd-analyze"))
	dest := t.TempDir()
	install := exec.CommandContext(t.Context(), "make", "install", "DESTDIR="+dest)
	install.Dir = ".."
	out, err := install.CombinedOutput()
	require.NoError(t, err, "%s", out)

	units := unitFiles(t)
	want := append([]string{}, installed...)
	for _, unit := range units {
		want = append(want, "usr/lib/systemd/system/"+strings.TrimPrefix(unit, "systemd/"))
	}
	var have, manual, completions []string
	require.NoError(t, filepath.WalkDir(dest, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dest, path)
		switch {
		case strings.HasPrefix(rel, "usr/share/man/"):
			manual = append(manual, rel)
		case strings.Contains(rel, "completion"), strings.Contains(rel, "zsh"):
			completions = append(completions, rel)
		default:
			have = append(have, rel)
		}
		return err
	}))
	require.ElementsMatch(t, want, have)
	require.Subset(t, manual, []string{"usr/share/man/man1/apt-ostree.1", "usr/share/man/man1/apt-ostree-install.1"})
	require.Len(t, completions, 3, "bash, fish and zsh")

	// The programs that units name are those that were installed, but for systemd's own.
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`(?m)^Exec\w+=[-+!@]*(\S+)`).FindAllStringSubmatch(string(text), -1) {
			_, err := os.Stat(filepath.Join(dest, m[1]))
			require.NoError(t, err, "%s: %s", unit, m[0])
		}
	}
	verify := exec.CommandContext(t.Context(), "systemd-analyze", append([]string{"verify", "--man=no", "--recursive-errors=no"}, unitsBelow(t, dest, units)...)...)
	out, err = verify.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NotRegexp(t, `apt-ostree\S*:\d+:`, string(out), "a line that systemd does not understand")
}

// unitFiles are the units and what is added to those of others.
func unitFiles(t *testing.T) (files []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir("systemd", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	}))
	return files
}

// unitsBelow copies the units with the paths of the programs that were installed, as verify looks for those.
func unitsBelow(t *testing.T, dest string, units []string) []string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		require.NoError(t, err)
		path := filepath.Join(dir, strings.TrimPrefix(unit, "systemd/"))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		moved := strings.NewReplacer("=/usr/bin/apt-ostree", "="+dest+"/usr/bin/apt-ostree", "=/usr/libexec/", "="+dest+"/usr/libexec/").Replace(string(text))
		require.NoError(t, os.WriteFile(path, []byte(moved), 0o644))
		if !strings.Contains(unit, ".d/") {
			paths = append(paths, path)
		}
	}
	return paths
}

// TestXML holds the files against the grammars of those who read them.
func TestXML(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("xmllint"), testenv.File("/usr/share/polkit-1/policyconfig-1.dtd"))
	for _, file := range []string{"dbus/org.aptostree.dev.conf", "polkit/org.aptostree.dev.policy", "../internal/busapi/interface.xml"} {
		out, err := exec.CommandContext(t.Context(), "xmllint", "--noout", "--nonet", file).CombinedOutput()
		require.NoError(t, err, "%s", out)
		f, err := os.Open(file)
		require.NoError(t, err)
		decoder := xml.NewDecoder(f)
		for err == nil {
			_, err = decoder.Token()
		}
		f.Close()
		require.ErrorIs(t, err, io.EOF, file)
	}
	out, err := exec.CommandContext(t.Context(), "xmllint", "--noout", "--nonet", "--dtdvalid", "/usr/share/polkit-1/policyconfig-1.dtd", "polkit/org.aptostree.dev.policy").CombinedOutput()
	require.NoError(t, err, "%s", out)
}
