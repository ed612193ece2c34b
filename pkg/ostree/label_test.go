package ostree_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/selinux"
)

// policyTree is a root file system with a policy in a directory of it.
func policyTree(etc string) ostreetest.Tree {
	dir := etc + "/selinux/"
	return ostreetest.Tree{
		dir + "config": ostreetest.File("SELINUX=enforcing\nSELINUXTYPE=test\n"),
		dir + "test/contexts/files/file_contexts": ostreetest.File("/.*\tu:r:default_t\n/\t-d\tu:r:root_t\n" +
			"/usr(/.*)?\tu:r:usr_t\n/usr/bin(/.*)?\t--\tu:r:bin_t\n/usr/.*\t-l\tu:r:link_t\n/etc(/.*)?\tu:r:etc_t\n/proc\t-d\t<<none>>\n" +
			"/usr/share(/.*)?\t<<none>>\n"),
		dir + "test/policy/policy.33": ostreetest.File("libostree wants its checksum"),
	}
}

func labelledTree() ostreetest.Tree {
	return policyTree("usr/etc").With(ostreetest.Tree{
		"usr/bin/a":       ostreetest.File("a").Perm(0o755),
		"usr/bin/b":       ostreetest.File("b").Xattr("security.selinux", "old\x00"),
		"usr/bin/l":       ostreetest.Link("a"),
		"usr/share/doc/x": ostreetest.File("x").Xattr("security.selinux", "kept\x00").Xattr("user.x", "x"),
		"proc":            ostreetest.Dir(),
		"etcetera/x":      ostreetest.File("x"),
	})
}

// labelsOf lists the labels of what is in a directory.
func labelsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	labels := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		require.NoError(t, err)
		buf := make([]byte, 64)
		n, err := unix.Lgetxattr(p, "security.selinux", buf)
		if errors.Is(err, unix.ENODATA) {
			return nil
		}
		require.NoError(t, err)
		labels["/"+strings.TrimPrefix(strings.TrimPrefix(p, dir), "/")] = strings.TrimSuffix(string(buf[:n]), "\x00")
		return nil
	}))
	return labels
}

func TestCommitLabelsAreThoseOfOstree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"))
	dir := t.TempDir()
	ostreetest.Write(t, dir, labelledTree())
	for _, mode := range []ostree.Mode{ostree.ModeArchive, ostree.ModeBareUser, ostree.ModeBare} {
		theirs, ours := ostreetest.Repo(t, mode), ostreetest.Repo(t, mode)
		c, err := ostree.ParseChecksum(ostreetest.CLI(t, theirs, "commit", "--orphan", "--selinux-policy="+dir, "--tree=dir="+dir))
		require.NoError(t, err)
		commit, err := theirs.LoadCommit(t.Context(), c)
		require.NoError(t, err)
		policy, err := selinux.Open(dir)
		require.NoError(t, err)
		require.Equal(t, commit.Tree, addedTreeWith(t, ours, dir, ostree.AddOptions{Labels: policy}), mode)
	}
}

func TestCheckoutLabels(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	r := ostreetest.Repo(t, ostree.ModeBare)
	c := ostreetest.Commit(t, r, "main", labelledTree())
	root, err := r.FS(t.Context(), c)
	require.NoError(t, err)
	policy, err := selinux.Read(root)
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "co")
	require.NoError(t, r.Checkout(t.Context(), c, dir, ostree.CheckoutOptions{Labels: policy}))
	got := labelsOf(t, dir)
	for path, want := range map[string]string{
		"/": "u:r:root_t", "/usr": "u:r:usr_t", "/usr/bin": "u:r:usr_t", "/usr/bin/a": "u:r:bin_t", "/usr/bin/b": "u:r:bin_t", "/usr/bin/l": "u:r:link_t",
		"/usr/share": "", "/usr/share/doc/x": "kept", "/proc": "u:r:default_t", "/etcetera/x": "u:r:default_t", "/usr/etc": "u:r:usr_t",
	} {
		require.Equal(t, want, got[path], path)
	}
	var st unix.Stat_t
	require.NoError(t, unix.Stat(filepath.Join(dir, "usr/bin/a"), &st))
	require.EqualValues(t, 1, st.Nlink, "files with other labels are copies")

	for name, opts := range map[string]ostree.CheckoutOptions{
		"subpath": {Labels: policy, Subpath: "/usr/bin"},
		"prefix":  {Labels: policy, Subpath: "/usr/etc/selinux", LabelPrefix: "/etc/selinux"},
		"file":    {Labels: policy, Subpath: "usr/bin/a"},
		"user":    {Labels: policy, UserMode: true},
	} {
		dir := filepath.Join(t.TempDir(), name)
		require.NoError(t, r.Checkout(t.Context(), c, dir, opts))
		got := labelsOf(t, dir)
		switch name {
		case "subpath":
			require.Equal(t, map[string]string{"/": "u:r:usr_t", "/a": "u:r:bin_t", "/b": "u:r:bin_t", "/l": "u:r:link_t"}, got)
		case "prefix":
			require.Equal(t, "u:r:etc_t", got["/config"])
			require.Equal(t, "u:r:etc_t", got["/"])
		case "file":
			require.Equal(t, "u:r:bin_t", got["/a"])
		case "user":
			require.Empty(t, got)
		}
	}
}

// TestCheckoutLabelsAreThoseOfOstree looks at regular files only: without SELinux
// on the machine, libostree labels nothing else.
func TestCheckoutLabelsAreThoseOfOstree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"))
	r := ostreetest.Repo(t, ostree.ModeBare)
	c := ostreetest.Commit(t, r, "main", labelledTree().Without("usr/share/doc/x"))
	root, theirs, ours := t.TempDir(), filepath.Join(t.TempDir(), "t"), filepath.Join(t.TempDir(), "o")
	ostreetest.Write(t, root, policyTree("etc"))
	ostreetest.CLI(t, r, "checkout", "--selinux-policy="+root, "--selinux-prefix=/usr", "--subpath=/usr/bin", "main", theirs)
	policy, err := selinux.Open(root)
	require.NoError(t, err)
	require.NoError(t, r.Checkout(t.Context(), c, ours, ostree.CheckoutOptions{Labels: policy, Subpath: "/usr/bin", LabelPrefix: "/usr"}))
	want, got := labelsOf(t, theirs), labelsOf(t, ours)
	for _, name := range []string{"/a", "/b"} {
		require.Equal(t, want[name], got[name])
		require.Equal(t, "u:r:usr_t", got[name])
	}
	_, err = os.Stat(filepath.Join(theirs, "l"))
	require.NoError(t, err)
}
