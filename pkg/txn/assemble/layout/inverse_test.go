package layout_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/layout"
)

// TestFoldUndoesUnfold is the promise that layering rests on: what did not change in the cage does
// not change in the commit.
func TestFoldUndoesUnfold(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile(filepath.Join("testdata", "fold", "small.txtar"))
	require.NoError(t, err)
	requireInverse(t, string(archive.Files[0].Data))
}

// requireInverse folds the tree, unfolds it, folds it again and so on, and compares.
func requireInverse(t *testing.T, text string) {
	t.Helper()
	s := newMemory()
	tree := parseTree(t, s, text)
	_, err := layout.Fold(t.Context(), s, tree, layout.Options{AllowNoKernel: true})
	require.NoError(t, err)
	folded := formatTree(t, s, tree)

	require.NoError(t, layout.Unfold(t.Context(), s, tree))
	unfolded := formatTree(t, s, tree)
	require.NotEqual(t, folded, unfolded)
	require.False(t, tree.Exists("usr/etc"))

	report, err := layout.Fold(t.Context(), s, tree, layout.Options{AllowNoKernel: true})
	require.NoError(t, err)
	require.Empty(t, report.Stripped, "there was nothing left to strip")
	require.Equal(t, folded, formatTree(t, s, tree))

	require.NoError(t, layout.Unfold(t.Context(), s, tree))
	require.Equal(t, unfolded, formatTree(t, s, tree))
}

// TestFoldUndoesUnfoldOfAnyTree does the same to trees nobody would think of.
func TestFoldUndoesUnfoldOfAnyTree(t *testing.T) {
	t.Parallel()
	places := []string{
		"etc", "etc/alternatives", "etc/ssh", "etc/apt/apt.conf.d", "etc/tmpfiles.d", "boot", "root", "home/alice", "srv", "mnt", "opt", "opt/x",
		"media", "snap", "tmp", "run", "usr/local/bin", "usr/lib/x", "usr/lib/opt", "usr/share/factory/etc", "usr/lib/sysimage/rpm",
		"usr/lib/tmpfiles.d", "usr/lib/systemd/system", "usr/share/systemd", "etc/apparmor.d/tunables/home.d", "usr/lib/systemd/system/apt-daily.timer.d", "usr/sbin", "usr/lib/modules/6.1", "usr/lib/modules/6.1/dtb",
		"usr/lib/linux-image-6.1", "usr/lib/firmware/6.1/device-tree", "var",
		"var/lib", "var/lib/x", "var/lib/dpkg", "var/lib/dpkg/info", "var/lib/dpkg/triggers", "var/lib/pam", "var/lib/apt", "var/lib/apt/lists",
		"var/lib/systemd/deb-systemd-helper-enabled", "var/cache/debconf", "var/cache/x", "var/log/x", "var/tmp", "var/backups", "var/www", "var/opt/y",
		"var/lib/ucf", "var/spool/x", "var/lib/snapd",
	}
	names := []string{"a", "b c", "100%", "vmlinuz-6.1", "config.dat", "seen", "sshd", "status", "x.list", "extended_states", "apt-daily.timer", "tmp.mount", "é"}
	rapid.Check(t, func(rt *rapid.T) {
		s := newMemory()
		lines := rapid.SliceOfNDistinct(rapid.Custom(func(rt *rapid.T) string {
			return drawEntry(rt, rapid.SampledFrom(places).Draw(rt, "place")+"/"+rapid.SampledFrom(names).Draw(rt, "name"))
		}), 0, 25, pathOf).Draw(rt, "tree")
		slices.SortFunc(lines, func(a, b string) int { return strings.Compare(pathOf(a), pathOf(b)) })
		text := "f 0644 0:0 /etc/passwd\n\troot:x:0:0:root:/root:/bin/sh\n\twww-data:x:33:33:w:/var/www:/bin/sh\n" +
			"f 0644 0:0 /etc/group\n\troot:x:0:\n\twww-data:x:33:\n" + strings.Join(lines, "")
		tree := parseTree(t, s, text)
		if _, err := layout.Fold(t.Context(), s, tree, layout.Options{AllowNoKernel: true}); err != nil {
			rt.Skip(err)
		}
		requireInverse(t, text)
	})
}

func drawEntry(rt *rapid.T, name string) string {
	owner := rapid.SampledFrom([]string{"0:0", "33:33", "0:33"}).Draw(rt, "owner")
	switch rapid.IntRange(0, 3).Draw(rt, "kind") {
	case 0:
		mode := rapid.SampledFrom([]string{"0755", "0700", "2775", "1777"}).Draw(rt, "mode")
		return fmt.Sprintf("d %s %s /%s\n", mode, owner, name)
	case 1:
		target := rapid.SampledFrom([]string{"/run", "../x", "50% y", "/usr/bin/z"}).Draw(rt, "target")
		return fmt.Sprintf("l /%s -> %s\n", name, target)
	default:
		content := rapid.SampledFrom([]string{"", "\tb\n\ta\n", "\tName: x\n\tOwners: b, a\n", "\t/var/lib/x\n\t/boot/vmlinuz-6.1\n", "\td /var/lib/x 0755\n"}).Draw(rt, "content")
		return fmt.Sprintf("f 0644 %s /%s\n%s", owner, name, content)
	}
}

// pathOf is the path of an entry's text form.
func pathOf(entry string) string {
	header, _, _ := strings.Cut(entry, "\n")
	_, name, _ := strings.Cut(header, " /")
	name, _, _ = strings.Cut(name, " -> ")
	return name
}

// TestFoldStopsWhenAsked checks that a cancelled context ends the work.
func TestFoldStopsWhenAsked(t *testing.T) {
	t.Parallel()
	s := newMemory()
	tree := parseTree(t, s, "f 0644 0:0 /etc/hostname\n\tx\n")
	_, err := layout.Fold(cancelled(t), s, tree, layout.Options{AllowNoKernel: true})
	require.ErrorContains(t, err, "canceled")
	require.ErrorContains(t, layout.Unfold(cancelled(t), s, tree), "canceled")
}
