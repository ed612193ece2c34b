package deploy_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

// TestCleanupGoesOn when a deployment cannot be removed, as one with something mounted in it: the others
// go, the repository is pruned, and the next cleanup has another try.
func TestCleanupGoesOn(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	var drop []deploy.Deployment
	for _, version := range []string{"1", "2", "3"} {
		d := mustDeploy(t, s, commit(t, s, version, nil), deploy.DeployOptions{Retain: deploy.Retain{All: true}})
		drop = append([]deploy.Deployment{*d}, drop...)
	}
	drop = drop[1:] // 2 and 1
	busy := drop[0].Path + "/usr/bin"
	require.NoError(t, unix.Mount("tmpfs", busy, "tmpfs", 0, "size=64k"))
	unmount := func() error { return unix.Unmount(busy, unix.MNT_DETACH) }
	t.Cleanup(func() { unmount() }) //nolint:errcheck // it is unmounted below unless the test fails

	require.NoError(t, s.UndeployAll(t.Context(), drop))
	require.Equal(t, []string{"3"}, versions(deployments(t, s)))
	report, err := s.Cleanup(t.Context())
	require.ErrorContains(t, err, "deployment os/"+drop[0].Name())
	require.NotNil(t, report)
	require.Equal(t, []string{"os/" + drop[1].Name()}, report.Deployments)
	require.NoDirExists(t, drop[1].Path)

	require.NoError(t, unmount())
	report, err = s.Cleanup(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"os/" + drop[0].Name()}, report.Deployments)
	requireAgreement(t, s)
	require.ErrorAs(t, s.UndeployAll(t.Context(), drop), new(*deploy.NotFoundError))
}

// TestPreflight finds out what a deployment would fail with, and writes nothing.
func TestPreflight(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	good := commit(t, m.Sysroot, "3", rooted(nil))
	bad := commitTree(t, m.Repo().Path(), "branch/bad", tree{"usr/bin/program": "#!"})
	before := layout(t, m.Path())
	require.NoError(t, m.Preflight(t.Context(), good, deploy.DeployOptions{}))
	require.ErrorAs(t, m.Preflight(t.Context(), bad, deploy.DeployOptions{}), new(*deploy.UndeployableError))
	require.Equal(t, before, layout(t, m.Path()))
}

// TestKernelArgumentsOfAnother deployment than that which gives the configuration are carried over.
func TestKernelArgumentsOfAnother(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	c := commit(t, m.Sysroot, "3", rooted(nil))
	first := deployments(t, m.Sysroot)[1]
	require.NoError(t, m.SetKargs(t.Context(), first, []string{"other=1"}))
	d := m.stage(t, c, deploy.StageOptions{DeployOptions: deploy.DeployOptions{KargsFrom: &first}})
	require.Equal(t, "other=1", d.Kargs.String())
	done, err := m.Finalize(t.Context())
	require.NoError(t, err)
	require.Equal(t, "other=1", done.Deployment.Kargs.String())
	d.Serial = 9
	_, err = m.Deploy(t.Context(), c, nil, deploy.DeployOptions{KargsFrom: d})
	require.ErrorAs(t, err, new(*deploy.NotFoundError))
}
