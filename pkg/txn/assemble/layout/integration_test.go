package layout_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/layout"
)

// realPackages bring something for nearly every rule: secrets, database directories, dynamic
// users, files owned by them in /usr, debconf, ucf, pam-auth-update, XML catalogs, diversions.
func realPackages() []string {
	return []string{
		"apt", "ca-certificates", "cron", "dbus", "dracut", "e2fsprogs", "libnss-systemd", "libpam-systemd", "linux-image-cloud-amd64",
		"man-db", "nginx-light", "openssh-server", "ostree", "ostree-boot", "polkitd", "postgresql", "python3", "sudo", "systemd",
		"systemd-sysv", "udev", "zstd",
	}
}

// TestRealDebian folds what mmdebstrap makes of real packages, asks Debian's ostree and dpkg what
// they think of it, and unfolds it.
func TestRealDebian(t *testing.T) {
	t.Parallel()
	testenv.Integration(t, testenv.Root, testenv.Tool("mmdebstrap"), testenv.Tool("ostree"), testenv.Tool("dpkg"), testenv.Tool("systemd-tmpfiles"))
	repo := ostreetest.Repo(t, ostree.ModeBareUser)
	plain := addDebian(t, repo, debootstrap(t, realPackages()))

	folded, report := fold(t, repo, plain)
	require.NotEmpty(t, report.Kernel)
	require.Contains(t, ostreetest.CLI(t, repo, "fsck"), "no errors found")

	unfolded := unfold(t, repo, folded)
	requireLines(t, "unfolded.txt", diff(t, repo, plain, unfolded), report.Kernel)
	again, report2 := fold(t, repo, unfolded)
	require.Empty(t, diff(t, repo, folded, again))
	require.Equal(t, folded, again)
	require.Empty(t, report2.Stripped)

	root := checkout(t, repo, folded)
	run(t, "cp", "-a", root+"/usr/etc", root+"/etc")
	run(t, "systemd-tmpfiles", "--create", "--boot", "--root="+root, "--prefix=/var")
	requireLines(t, "dpkg-verify-folded.txt", verify(t, root), report.Kernel)
	requireLines(t, "dpkg-verify-unfolded.txt", verify(t, checkout(t, repo, unfolded)), report.Kernel)

	reversed := realPackages()
	slices.Reverse(reversed)
	other, _ := fold(t, repo, addDebian(t, repo, debootstrap(t, reversed)))
	require.Empty(t, diff(t, repo, folded, other), "a second build in another order differs")
	require.Equal(t, folded, other)
}

func debootstrap(t *testing.T, packages []string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "debian")
	cmd := exec.CommandContext(t.Context(), "mmdebstrap", "--quiet", "--mode=root", "--variant=essential", "--format=directory",
		"--include="+strings.Join(packages, ","), "bookworm", dir)
	cmd.Env = append(os.Environ(), "INITRD=No", "SOURCE_DATE_EPOCH=1700000000", "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return dir
}

func addDebian(t *testing.T, repo *ostree.Repo, dir string) ostree.TreeID {
	t.Helper()
	return commitTree(t, repo, func(ctx context.Context, w *ostree.Writer) (*ostree.Tree, error) {
		tree := ostree.NewTree(ostree.DirMeta{Mode: typeDir | 0o755})
		return tree, w.AddDirectory(ctx, tree, "/", dir, ostree.AddOptions{SkipSpecial: true})
	})
}

func fold(t *testing.T, repo *ostree.Repo, id ostree.TreeID) (ostree.TreeID, *layout.Report) {
	t.Helper()
	var report *layout.Report
	folded := commitTree(t, repo, func(ctx context.Context, w *ostree.Writer) (*ostree.Tree, error) {
		tree, err := w.LoadTree(ctx, id)
		if err == nil {
			report, err = layout.Fold(ctx, w, tree, layout.Options{})
		}
		return tree, err
	})
	return folded, report
}

func unfold(t *testing.T, repo *ostree.Repo, id ostree.TreeID) ostree.TreeID {
	t.Helper()
	return commitTree(t, repo, func(ctx context.Context, w *ostree.Writer) (*ostree.Tree, error) {
		tree, err := w.LoadTree(ctx, id)
		if err == nil {
			err = layout.Unfold(ctx, w, tree)
		}
		return tree, err
	})
}

// commitTree writes a tree and a commit of it, so that fsck looks at it.
func commitTree(t *testing.T, repo *ostree.Repo, build func(context.Context, *ostree.Writer) (*ostree.Tree, error)) ostree.TreeID {
	t.Helper()
	var id ostree.TreeID
	err := repo.Update(t.Context(), func(w *ostree.Writer) error {
		tree, err := build(t.Context(), w)
		if err != nil {
			return err
		}
		if id, err = w.WriteTree(t.Context(), tree); err != nil {
			return err
		}
		c, err := w.WriteCommit(t.Context(), ostree.Commit{Tree: id, Timestamp: ostreetest.Timestamp()})
		if err != nil {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: "tree/" + id.Contents.String()}, c)
	})
	require.NoError(t, err)
	return id
}

func diff(t *testing.T, repo *ostree.Repo, from, to ostree.TreeID) []string {
	t.Helper()
	list, err := repo.Diff(t.Context(), from, to)
	require.NoError(t, err)
	var lines []string
	listed := map[ostree.DiffEntry]bool{}
	for _, d := range list {
		listed[d] = true
		if listed[ostree.DiffEntry{Kind: d.Kind, Path: path.Dir(d.Path)}] {
			continue // goes without saying
		}
		lines = append(lines, fmt.Sprintf("%s %s", d.Kind, d.Path))
	}
	return lines
}

func checkout(t *testing.T, repo *ostree.Repo, id ostree.TreeID) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "root")
	require.NoError(t, repo.CheckoutTree(t.Context(), id, dir, ostree.CheckoutOptions{ForceCopy: true}))
	return dir
}

// verify lists what dpkg finds changed, after making sure that it finds the database in order.
func verify(t *testing.T, root string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "dpkg", "--root="+root, "--audit").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Empty(t, string(out))
	out, err = exec.CommandContext(t.Context(), "dpkg", "--root="+root, "--verify").Output()
	var exit *exec.ExitError
	if err != nil {
		require.ErrorAs(t, err, &exit)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// requireLines compares with a golden file. Names that change with each kernel and certificate are
// replaced.
func requireLines(t *testing.T, golden string, lines []string, kernel string) {
	t.Helper()
	text := strings.ReplaceAll(strings.Join(lines, "\n")+"\n", kernel, "KERNEL")
	text = regexp.MustCompile(`/etc/ssl/certs/[0-9a-f]{8}\.\d`).ReplaceAllString(text, "/etc/ssl/certs/HASH")
	name := filepath.Join("testdata", "real", golden)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}
