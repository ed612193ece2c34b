package txn_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// boot makes the host look as if a deployment of it, that at an index, was running.
func (h *host) boot(index int) {
	h.t.Helper()
	list, err := h.sysroot.Deployments(h.t.Context())
	require.NoError(h.t, err)
	var st unix.Stat_t
	require.NoError(h.t, unix.Stat(list[index].Path, &st))
	opts := deploy.Options{HostRoot: h.path, RunDir: h.t.TempDir(), NoSync: true}
	booted := gvariant.Dict(gvariant.Entry{
		Key:   "backing-root-device-inode",
		Value: gvariant.Tuple(gvariant.Uint64(st.Dev), gvariant.Uint64(st.Ino)),
	})
	require.NoError(h.t, os.WriteFile(opts.RunDir+"/ostree-booted", booted.Data(), 0o644))
	h.running = opts
	require.NoError(h.t, h.sysroot.Close())
	h.sysroot, err = deploy.Open(h.path, opts)
	require.NoError(h.t, err)
	h.System = h.open(txn.Options{Sysroot: opts})
}

// shutdown does what happens to a staged deployment when the system goes down.
func (h *host) shutdown() deploy.Finalized {
	h.t.Helper()
	done, err := h.sysroot.Finalize(h.t.Context())
	require.NoError(h.t, err)
	return done
}

// bootedHost runs version 2 of three.
func bootedHost(t *testing.T) (*host, map[string]ostree.Checksum) {
	t.Helper()
	h, commits := deployed(t, "2")
	h.boot(0)
	return h, commits
}

// TestChangesOfARunningSystemAreStaged until shutdown, and the next change starts from what is staged.
func TestChangesOfARunningSystemAreStaged(t *testing.T) {
	t.Parallel()
	h, commits := bootedHost(t)
	p := h.plan(txn.Change{Upgrade: true})
	require.True(t, p.Stage)
	d, err := h.Apply(t.Context(), p, txn.ApplyOptions{})
	require.NoError(t, err)
	require.True(t, d.Staged)
	require.False(t, d.Locked)
	require.Equal(t, []string{"3", "2"}, h.deployments())
	require.NoFileExists(t, d.Path+"/etc/made-later")
	require.True(t, h.plan(txn.Change{Upgrade: true}).Unchanged, "a change starts from what is staged")

	err = h.planError(txn.Change{Rollback: true})
	require.ErrorContains(t, err, "Staged deployment (remove with cleanup -p)")
	require.Equal(t, txn.KindRequest, txn.Classify(err))

	list, err := h.sysroot.Deployments(t.Context())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(list[1].Path+"/etc/made-later", nil, 0o644))
	require.Equal(t, commits["3"], h.shutdown().Deployment.Checksum)
	require.FileExists(t, d.Path+"/etc/made-later", "/etc as it was at shutdown")

	p = h.plan(txn.Change{Rollback: true})
	require.False(t, p.Stage)
	require.Equal(t, commits["2"], h.apply(txn.Change{Rollback: true}).Checksum)
	require.Equal(t, []string{"2", "3"}, h.deployments())
}

func TestFinalizeDeployment(t *testing.T) {
	t.Parallel()
	h, commits := bootedHost(t)
	right, wrong := commits["3"].String(), commits["1"].String()
	require.ErrorContains(t, h.planError(txn.Change{Finalize: &txn.Finalize{Checksum: right}}), "no staged deployment")
	require.True(t, h.apply(txn.Change{Upgrade: true, LockFinalization: true}).Locked)
	status, err := h.Status(t.Context())
	require.NoError(t, err)
	require.True(t, status.Deployments[0].FinalizationLocked)
	require.True(t, h.shutdown().Locked, "what is locked is not finalized")

	require.ErrorContains(t, h.planError(txn.Change{Finalize: &txn.Finalize{}}), "needs the checksum")
	require.ErrorContains(t, h.planError(txn.Change{Finalize: &txn.Finalize{Checksum: wrong}}),
		"Expected staged base checksum "+wrong+", but found "+right)
	d := h.apply(txn.Change{Finalize: &txn.Finalize{Checksum: right}})
	require.True(t, d.Staged)
	require.False(t, d.Locked)
	require.ErrorContains(t, h.planError(txn.Change{Finalize: &txn.Finalize{Checksum: right}}), "already unlocked")
	h.apply(txn.Change{Finalize: &txn.Finalize{AllowMissingChecksum: true, AllowUnlocked: true}})
	require.Equal(t, commits["3"], h.shutdown().Deployment.Checksum)
}

// TestNothingIsStagedElsewhere has a sysroot that is not the running system's.
func TestNothingIsStagedElsewhere(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "2")
	require.False(t, h.plan(txn.Change{Upgrade: true}).Stage)
	for _, c := range []txn.Change{{Upgrade: true, LockFinalization: true}, {Finalize: &txn.Finalize{AllowMissingChecksum: true}}} {
		err := h.planError(c)
		require.ErrorIs(t, err, deploy.ErrNotBooted)
		require.Equal(t, txn.KindRequest, txn.Classify(err))
	}
}

func TestPartsThatDoNotCombine(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for text, c := range map[string]txn.Change{
		"a rollback cannot be combined with another change": {Rollback: true, Install: []string{"x"}},
		"rollback and finalize cannot be combined":          {Rollback: true, Finalize: &txn.Finalize{}},
		"upgrade and deploy both choose the base":           {Upgrade: true, Deploy: "x"},
		"the change asks for nothing":                       {LockFinalization: true},
	} {
		require.ErrorContains(t, h.planError(c), text)
	}
}

// TestOverridesChain on what is staged, like everything else that an origin has.
func TestOverridesChain(t *testing.T) {
	t.Parallel()
	h, commits := bootedHost(t)
	id := h.local(apttest.Deb{Package: "extra"}) // what the base has: nothing has to be assembled
	d := h.apply(txn.Change{InstallLocal: []string{id}, AllowInactive: true})
	require.True(t, d.Staged)
	d = h.apply(txn.Change{OverrideReplaceLocal: []string{h.local(apttest.Deb{Package: "absent"})}})
	require.Equal(t, []string{id}, d.Origin.RequestedLocal)
	require.Len(t, d.Origin.OverrideReplaceLocal, 1)
	h.shutdown()
	h.boot(0)
	p := h.plan(txn.Change{Upgrade: true})
	require.Equal(t, commits["3"], p.Base)
	require.Equal(t, []string{id}, p.RequestedLocal)
	require.Equal(t, []string{"absent_1.0_all"}, p.InactiveReplacements)
	d = h.apply(txn.Change{UninstallAll: true, OverrideResetAll: true, ResetInitramfs: true})
	require.Equal(t, commits["2"], d.Checksum)
	require.False(t, d.Origin.Layered())
}
