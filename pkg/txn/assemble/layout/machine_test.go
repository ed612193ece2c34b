package layout_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/layout"
)

// TestTmpfilesMakeVar lets systemd-tmpfiles make /var of a folded tree, and compares it with the
// /var that was folded: the lines must say the same as the factory.
func TestTmpfilesMakeVar(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("systemd-tmpfiles"))
	s, root := foldedOnDisk(t)

	run(t, "systemd-tmpfiles", "--create", "--boot", "--root="+root, "--prefix=/var")

	for name, target := range map[string]string{
		"var/lib/dpkg":                "../../usr/lib/sysimage/dpkg",
		"var/lib/apt/extended_states": "../../../usr/lib/sysimage/apt/extended_states",
	} {
		got, err := os.Readlink(filepath.Join(root, name))
		require.NoError(t, err)
		require.Equal(t, target, got)
		require.FileExists(t, filepath.Join(root, "usr/lib/sysimage", strings.TrimPrefix(name, "var/lib/"), map[bool]string{true: "status"}[name == "var/lib/dpkg"]))
		require.NoError(t, os.Remove(filepath.Join(root, name)))
	}
	require.FileExists(t, filepath.Join(root, "var/lib/pam/seen"))
	require.NoError(t, os.RemoveAll(filepath.Join(root, "var/lib/pam")))
	want := formatTree(t, s, readDisk(t, s, filepath.Join(root, "usr/share/factory/var")))
	got := formatTree(t, s, readDisk(t, s, filepath.Join(root, "var")))
	// systemd-tmpfiles of this file writes the relative form of the same link.
	require.Equal(t, strings.ReplaceAll(want, "/run -> /run", "/run -> ../run"), got)
}

// TestSysusersMakeAccounts lets systemd-sysusers make the accounts of a folded tree from nothing.
func TestSysusersMakeAccounts(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("systemd-sysusers"))
	_, root := foldedOnDisk(t)
	want := map[string]string{}
	for _, name := range []string{"passwd", "group"} {
		data, err := os.ReadFile(filepath.Join(root, "etc", name))
		require.NoError(t, err)
		want[name] = string(data)
		require.NoError(t, os.Remove(filepath.Join(root, "etc", name)))
	}

	run(t, "systemd-sysusers", "--root="+root)

	for name, text := range want {
		data, err := os.ReadFile(filepath.Join(root, "etc", name))
		require.NoError(t, err)
		require.ElementsMatch(t, strings.Split(text, "\n"), strings.Split(string(data), "\n"), name)
	}
}

// TestAptReadsTheGuard asks apt-config what it makes of the generated configuration.
func TestAptReadsTheGuard(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("apt-config"))
	_, root := foldedOnDisk(t)
	cmd := exec.CommandContext(t.Context(), "apt-config", "dump", "DPkg::Pre-Invoke", "APT::Periodic")
	cmd.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(root, "etc/apt/apt.conf.d/99apt-ostree"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), `APT::Periodic::Enable "0";`)
	_, command, ok := strings.Cut(string(out), `DPkg::Pre-Invoke:: "`)
	require.True(t, ok, "%s", out)
	command, _, _ = strings.Cut(command, "\";\n")
	out, err = exec.CommandContext(t.Context(), "sh", "-c", command).CombinedOutput()
	require.NoError(t, err, "not an OSTree system, so it must let apt work: %s", out)
	command = strings.Replace(command, "/run/ostree-booted", root, 1)
	out, err = exec.CommandContext(t.Context(), "sh", "-c", command).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "use apt-ostree install")
}

// TestUnitsAreWellFormed lets systemd judge the generated units.
func TestUnitsAreWellFormed(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("systemd-analyze"))
	_, root := foldedOnDisk(t)
	dir := filepath.Join(root, "usr/lib/systemd/system")
	names, err := filepath.Glob(dir + "/apt-ostree-*.service")
	require.NoError(t, err)
	require.Len(t, names, 2)
	run(t, "systemd-analyze", append([]string{"verify", "--root=" + root, "--recursive-errors=no"}, names...)...)
}

// foldedOnDisk folds testdata/machine.txtar and writes it to a directory, as a deployment has it:
// with a copy of /usr/etc at /etc.
func foldedOnDisk(t *testing.T) (*memory, string) {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/machine.txtar")
	require.NoError(t, err)
	s := newMemory()
	tree := parseTree(t, s, string(archive.Files[0].Data))
	_, err = layout.Fold(t.Context(), s, tree, layout.Options{AllowNoKernel: true})
	require.NoError(t, err)
	root := t.TempDir()
	writeDisk(t, s, tree, ".", root)
	require.NoError(t, os.Mkdir(filepath.Join(root, "etc"), 0o755))
	writeDisk(t, s, tree, "usr/etc", filepath.Join(root, "etc"))
	return s, root
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Logf("%s", out)
}

func writeDisk(t *testing.T, s *memory, tree *ostree.Tree, from, to string) {
	t.Helper()
	list, err := tree.ReadDir(from)
	require.NoError(t, err)
	for _, e := range list {
		name := filepath.Join(to, e.Name)
		if e.Dir {
			require.NoError(t, os.Mkdir(name, 0o755))
			writeDisk(t, s, tree, filepath.Join(from, e.Name), name)
			setMeta(t, name, e.Meta.UID, e.Meta.GID, e.Meta.Mode)
			continue
		}
		info, r, err := s.OpenFile(t.Context(), e.File)
		require.NoError(t, err)
		if info.Mode&0o170000 == typeLink {
			require.NoError(t, os.Symlink(info.Target, name))
			continue
		}
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name, data, 0o600))
		setMeta(t, name, info.UID, info.GID, info.Mode)
	}
}

func setMeta(t *testing.T, name string, uid, gid, mode uint32) {
	t.Helper()
	require.NoError(t, os.Chown(name, int(uid), int(gid)))
	require.NoError(t, chmod(name, mode&0o7777))
}
