package txn_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// TestConfigurationIsPreviewed at planning time, from a base that is at the remote still.
func TestConfigurationIsPreviewed(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	r := h.newRemote()
	write := func(version string, etc ostreetest.Tree) {
		commit := commitAt(h, version)
		if c, err := r.Resolve(t.Context(), ref); err == nil {
			commit.Parent = c
		}
		h.writeTo(r.Repo, ref, h.tree(version).With(etc), commit)
	}
	write("1", ostreetest.Tree{"usr/etc/both": ostreetest.File("1"), "usr/etc/theirs": ostreetest.File("1")})
	h.apply(txn.Change{Rebase: &txn.Rebase{Refspec: "far:" + ref}})
	h.boot(0)
	list, err := h.sysroot.Deployments(t.Context())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(list[0].Path+"/etc/both", []byte("mine"), 0o644))
	write("2", ostreetest.Tree{"usr/etc/both": ostreetest.File("2"), "usr/etc/theirs": ostreetest.File("2")})
	p := h.plan(txn.Change{Upgrade: true})
	require.Equal(t, []string{"/etc/both is changed here and in the new base; it stays as it is here"}, p.Warnings)
	require.Len(t, p.EtcConflicts, 1)
	require.Empty(t, h.plan(txn.Change{Kargs: &txn.Kargs{Append: []string{"x"}}}).Warnings)

	write("3", ostreetest.Tree{"usr/etc/both": ostreetest.Dir(), "usr/etc/both/in": ostreetest.File("3")})
	err = h.planError(txn.Change{Upgrade: true})
	require.ErrorAs(t, err, new(*etcmerge.ConflictError))
	require.Equal(t, txn.KindConfiguration, txn.Classify(err))
}

// TestRoomForPackages is asked for before anything is downloaded.
func TestRoomForPackages(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "1")
	var st unix.Statfs_t
	require.NoError(t, unix.Statfs(h.path, &st))
	size := strconv.FormatInt(int64(st.Blocks)*st.Bsize/1024, 10)
	h.archive.AddStanza("main", "amd64", "Package: huge\nVersion: 1\nArchitecture: amd64\nMaintainer: nobody\nInstalled-Size: "+size+
		"\nFilename: pool/huge.deb\nSize: 1\nSHA256: "+strings.Repeat("0", 64)+"\nDescription: huge\n")
	h.archive.Publish()
	err := h.planError(txn.Change{Install: []string{"huge"}})
	require.ErrorAs(t, err, new(*deploy.SpaceError))
	require.Equal(t, txn.KindNoSpace, txn.Classify(err))
}
