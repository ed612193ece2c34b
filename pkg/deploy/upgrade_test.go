package deploy_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// upgradable is a sysroot that follows "up:os" in a repository of its own, and that repository.
func upgradable(t *testing.T) (s *deploy.Sysroot, upstream string) {
	t.Helper()
	s = newSysroot(t)
	upstream = filepath.Join(tempDir(t), "repo")
	ostreeTool(t, "init", "--mode=archive", "--repo="+upstream)
	c := release(t, upstream, "os", "1", 1)
	require.NoError(t, s.Repo().AddRemote("up", ostree.AddRemoteOptions{
		URL: "file://" + upstream, Options: []ostree.RemoteOption{{Key: "gpg-verify", Value: "false"}},
	}))
	pull(t, s, "os")
	_, err := s.Deploy(t.Context(), c, origin.New("up:os"), deploy.DeployOptions{})
	require.NoError(t, err)
	return s, upstream
}

func pull(t *testing.T, s *deploy.Sysroot, ref string) {
	t.Helper()
	_, err := s.Repo().Pull(t.Context(), "up", ostree.PullOptions{Refs: []ostree.PullRef{{Ref: ref}}})
	require.NoError(t, err)
}

// release commits a bootable tree, some seconds after a fixed time.
func release(t *testing.T, repo, branch, version string, second byte, args ...string) ostree.Checksum {
	t.Helper()
	args = append(args, "--add-metadata-string=version="+version, "--timestamp=@100000000"+string('0'+second))
	return commitTree(t, repo, branch, bootable(tree{"usr/version": version}), args...)
}

func upgrade(t *testing.T, s *deploy.Sysroot, opts deploy.UpgraderOptions, pull deploy.UpgradePullOptions) (*deploy.Deployment, error) {
	t.Helper()
	u, err := s.Upgrader(t.Context(), opts)
	if err != nil {
		return nil, err
	}
	changed, err := u.Pull(t.Context(), pull)
	if err != nil || !changed {
		return nil, err
	}
	return u.Deploy(t.Context(), deploy.DeployOptions{})
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	s, upstream := upgradable(t)
	d, err := upgrade(t, s, deploy.UpgraderOptions{}, deploy.UpgradePullOptions{})
	require.NoError(t, err)
	require.Nil(t, d, "nothing is new")

	release(t, upstream, "os", "2", 2)
	d, err = upgrade(t, s, deploy.UpgraderOptions{}, deploy.UpgradePullOptions{NoFetch: true})
	require.NoError(t, err)
	require.Nil(t, d, "nothing new has been pulled")
	d, err = upgrade(t, s, deploy.UpgraderOptions{}, deploy.UpgradePullOptions{})
	require.NoError(t, err)
	require.Equal(t, "2", d.Version)
	require.Equal(t, "up:os", d.Origin.Refspec)
	require.Equal(t, []string{"2", "1"}, versions(deployments(t, s)))
}

func TestUpgradeRefusesAnOlderCommit(t *testing.T) {
	t.Parallel()
	s, upstream := upgradable(t)
	release(t, upstream, "os", "0", 0)
	_, err := upgrade(t, s, deploy.UpgraderOptions{}, deploy.UpgradePullOptions{})
	var older *ostree.OlderCommitError
	require.ErrorAs(t, err, &older)
	require.Equal(t, []string{"1"}, versions(deployments(t, s)))
	d, err := upgrade(t, s, deploy.UpgraderOptions{}, deploy.UpgradePullOptions{AllowOlder: true})
	require.NoError(t, err)
	require.Equal(t, "0", d.Version)
}

func TestUpgradeRefusesAnOlderCommitThatWasPulledBefore(t *testing.T) {
	t.Parallel()
	s, upstream := upgradable(t)
	release(t, upstream, "os", "0", 0)
	pull(t, s, "os")
	_, err := upgrade(t, s, deploy.UpgraderOptions{}, deploy.UpgradePullOptions{NoFetch: true})
	var older *ostree.OlderCommitError
	require.ErrorAs(t, err, &older)
}

func TestOverrideOfAnUpgradeDoesNotLast(t *testing.T) {
	t.Parallel()
	s, upstream := upgradable(t)
	two := release(t, upstream, "os", "2", 2)
	release(t, upstream, "os", "3", 3)
	d, err := upgrade(t, s, deploy.UpgraderOptions{Override: two}, deploy.UpgradePullOptions{})
	require.NoError(t, err)
	require.Equal(t, "2", d.Version)
	require.Equal(t, two.String(), d.Origin.OverrideCommit)
	named, err := s.Repo().Resolve(t.Context(), "up:os")
	require.NoError(t, err)
	require.Equal(t, two, named)

	d, err = upgrade(t, s, deploy.UpgraderOptions{}, deploy.UpgradePullOptions{})
	require.NoError(t, err)
	require.Equal(t, "3", d.Version)
	require.Empty(t, d.Origin.OverrideCommit)
}

func TestUpgradeFollowsARefThatContinuesAnother(t *testing.T) {
	t.Parallel()
	s, upstream := upgradable(t)
	release(t, upstream, "next", "5", 5)
	release(t, upstream, "os", "4", 4, "--add-metadata-string=ostree.endoflife-rebase=next")
	d, err := upgrade(t, s, deploy.UpgraderOptions{}, deploy.UpgradePullOptions{})
	require.NoError(t, err)
	require.Equal(t, "5", d.Version)
	require.Equal(t, "up:next", d.Origin.Refspec)
}

func TestUpgradeOfWhatFollowsALocalRef(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	repo := s.Repo().Path()
	one := release(t, repo, "local", "1", 1)
	_, err := s.Deploy(t.Context(), one, origin.New("local"), deploy.DeployOptions{})
	require.NoError(t, err)
	release(t, repo, "local", "2", 2)
	d, err := upgrade(t, s, deploy.UpgraderOptions{}, deploy.UpgradePullOptions{})
	require.NoError(t, err)
	require.Equal(t, "2", d.Version)
	d, err = upgrade(t, s, deploy.UpgraderOptions{Override: one}, deploy.UpgradePullOptions{AllowOlder: true})
	require.NoError(t, err)
	require.Equal(t, "1", d.Version)
}

func TestUpgradeOfAnUnconfiguredSystem(t *testing.T) {
	t.Parallel()
	s, _ := upgradable(t)
	o := origin.New("up:os")
	o.Unconfigured = "register first"
	require.NoError(t, s.SetOrigin(t.Context(), deployments(t, s)[0], o))
	_, err := s.Upgrader(t.Context(), deploy.UpgraderOptions{})
	var unconfigured *deploy.UnconfiguredError
	require.ErrorAs(t, err, &unconfigured)
	require.Equal(t, "register first", unconfigured.State)
	u, err := s.Upgrader(t.Context(), deploy.UpgraderOptions{IgnoreUnconfigured: true})
	require.NoError(t, err)
	require.NoError(t, u.Follow(origin.New("up:next")))
	require.Empty(t, u.Origin().Unconfigured)
}

func TestUpgradeNeedsADeploymentWithAnOrigin(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	_, err := s.Upgrader(t.Context(), deploy.UpgraderOptions{})
	var none *deploy.NoDeploymentError
	require.ErrorAs(t, err, &none)
	_, err = s.Deploy(t.Context(), commit(t, s, "1", nil), nil, deploy.DeployOptions{})
	require.NoError(t, err)
	_, err = s.Upgrader(t.Context(), deploy.UpgraderOptions{})
	var noOrigin *deploy.NoOriginError
	require.ErrorAs(t, err, &noOrigin)
	require.True(t, noOrigin.Missing)
}

func TestStagedUpgrade(t *testing.T) {
	t.Parallel()
	made, upstream := upgradable(t)
	s, _ := boot(t, made, deployments(t, made)[0])
	release(t, upstream, "os", "2", 2)
	u, err := s.Upgrader(t.Context(), deploy.UpgraderOptions{})
	require.NoError(t, err)
	changed, err := u.Pull(t.Context(), deploy.UpgradePullOptions{})
	require.NoError(t, err)
	require.True(t, changed)
	d, err := u.Stage(t.Context(), deploy.StageOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"2 staged", "1 booted"}, trimPending(marks(deployments(t, s))))
	_, err = s.Pin(t.Context(), *d, true)
	require.ErrorIs(t, err, deploy.ErrPinStaged)
}

// trimPending leaves out that a staged deployment is pending as well.
func trimPending(list []string) []string {
	for i := range list {
		list[i] = strings.Replace(list[i], " pending", "", 1)
	}
	return list
}

func TestUpgradeRefusesToLoseLayeredPackages(t *testing.T) {
	t.Parallel()
	s, _ := upgradable(t)
	o := origin.New("up:os")
	o.Requested = []string{"htop"}
	require.NoError(t, s.SetOrigin(t.Context(), deployments(t, s)[0], o))
	_, err := s.Upgrader(t.Context(), deploy.UpgraderOptions{})
	var refused *deploy.NoOriginError
	require.ErrorAs(t, err, &refused)
	require.True(t, refused.Layered)
}
