package ostree_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

func TestKernelVersion(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeArchive)
	for _, test := range []struct {
		paths   []string
		version string
		want    ostree.KernelError
	}{
		{[]string{"usr/lib/modules/6.1/vmlinuz", "usr/lib/modules/6.1/modules.dep", "usr/lib/modules/old/modules.dep"}, "6.1", ostree.KernelError{}},
		{[]string{"etc/x"}, "", ostree.KernelError{Missing: "usr"}},
		{[]string{"usr/lib/x"}, "", ostree.KernelError{Missing: "usr/lib/modules"}},
		{[]string{"usr/lib/modules/6.1/x", "usr/lib/modules/vmlinuz"}, "", ostree.KernelError{}},
		{[]string{"usr/lib/modules/6.1/vmlinuz", "usr/lib/modules/6.2/vmlinuz"}, "", ostree.KernelError{Found: []string{"6.1", "6.2"}}},
	} {
		files := ostreetest.Tree{}
		for _, p := range test.paths {
			files[p] = ostreetest.File("x")
		}
		c := ostreetest.Commit(t, r, "", files)
		commit, err := r.LoadCommit(t.Context(), c)
		require.NoError(t, err)
		tree, err := r.LoadTree(t.Context(), commit.Tree)
		require.NoError(t, err)
		version, err := tree.KernelVersion()
		require.Equal(t, test.version, version)
		if test.version != "" {
			require.NoError(t, err)
			continue
		}
		var kernel *ostree.KernelError
		require.ErrorAs(t, err, &kernel)
		require.Equal(t, test.want, *kernel)
		require.NotEmpty(t, err.Error())
		require.Equal(t, test.want.Missing != "", errors.Is(err, fs.ErrNotExist))
	}
}

// TestBootableOrder has an order that ostree commit --bootable gave.
func TestBootableOrder(t *testing.T) {
	t.Parallel()
	m := ostree.Metadata{
		{Key: "foo", Value: gvariant.String("bar")},
		{Key: ostree.MetadataRefBinding, Value: gvariant.Strings(nil)},
	}
	m.SetBootable("5.1")
	require.Equal(t, "ostree.linux ostree.bootable ostree.ref-binding foo", keys(m))
	version, _ := m.Lookup(ostree.MetadataLinux)
	require.Equal(t, "'5.1'", version.Text())
}

func keys(m ostree.Metadata) string {
	var list []string
	for _, e := range m {
		list = append(list, e.Key)
	}
	return strings.Join(list, " ")
}

func TestBootableGivesTheCommitOfOstree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("ostree"))
	dir := t.TempDir()
	ostreetest.Write(t, dir, ostreetest.Tree{"usr/lib/modules/6.1.0-13-amd64/vmlinuz": ostreetest.File("kernel")})
	theirs := ostreetest.Repo(t, ostree.ModeArchive)
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 18 {
		args := []string{"--orphan", "--bootable", "--owner-uid=0", "--owner-gid=0", "--timestamp=@1", "--tree=dir=" + dir}
		var m ostree.Metadata
		for i := range 2 * n {
			key := fmt.Sprintf("%x-%d.ü", random.Uint64()>>(random.Uint64()%60), i)
			m.Set(key, gvariant.String("v"))
			args = append(args, "--add-metadata-string="+key+"=v")
		}
		m.Set(ostree.MetadataRefBinding, gvariant.Strings(nil))
		c, err := ostree.ParseChecksum(ostreetest.CLI(t, theirs, "commit", args...))
		require.NoError(t, err)
		commit, err := theirs.LoadCommit(t.Context(), c)
		require.NoError(t, err)
		m.SetBootable("6.1.0-13-amd64")
		require.Equal(t, keys(commit.Metadata), keys(m))
	}
}
