package deploy_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

// unlockable is a running deployment whose /usr can be mounted over.
func unlockable(t *testing.T) (s *deploy.Sysroot, usr string) {
	t.Helper()
	made := newSysroot(t)
	d := mustDeploy(t, made, commit(t, made, "1", nil), deploy.DeployOptions{})
	usr = filepath.Join(made.Path(), "usr")
	require.NoError(t, os.Mkdir(usr, 0o755))
	s, _ = boot(t, made, *d)
	return s, usr
}

func unlock(t *testing.T, s *deploy.Sysroot, usr string, mode deploy.UnlockMode) {
	t.Helper()
	require.NoError(t, s.Unlock(t.Context(), mode))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(usr, unix.MNT_DETACH)) })
}

func TestUnlockForDevelopment(t *testing.T) {
	t.Parallel()
	s, usr := unlockable(t)
	unlock(t, s, usr, deploy.UnlockDevelopment)
	d := deployments(t, s)[0]
	require.Equal(t, "development", d.Unlocked)
	require.NoError(t, os.WriteFile(usr+"/bin/program", []byte("changed"), 0o755))
	text, err := os.ReadFile(d.Path + "/usr/bin/program")
	require.NoError(t, err)
	require.Equal(t, "#!", string(text), "the tree below stays as it is")

	var already *deploy.UnlockedError
	require.ErrorAs(t, s.Unlock(t.Context(), deploy.UnlockHotfix), &already)
	require.Equal(t, "development", already.State)
}

func TestUnlockTransientIsReadOnly(t *testing.T) {
	t.Parallel()
	s, usr := unlockable(t)
	unlock(t, s, usr, deploy.UnlockTransient)
	require.Equal(t, "transient", deployments(t, s)[0].Unlocked)
	require.ErrorIs(t, os.WriteFile(usr+"/bin/program", nil, 0o755), unix.EROFS)
}

func TestUnlockHotfixKeepsACloneToRollBackTo(t *testing.T) {
	t.Parallel()
	s, usr := unlockable(t)
	unlock(t, s, usr, deploy.UnlockHotfix)
	list := deployments(t, s)
	require.Equal(t, []string{"1 booted", "1 rollback"}, marks(list))
	require.Equal(t, "hotfix", list[0].Unlocked)
	require.Equal(t, "hotfix", list[0].Origin.Unlocked, "the initramfs mounts it again")
	require.Empty(t, list[1].Unlocked)
	require.NoError(t, os.WriteFile(usr+"/bin/program", []byte("fixed"), 0o755))
	text, err := os.ReadFile(list[0].Path + "/.usr-ovl-upper/bin/program")
	require.NoError(t, err, "the initramfs looks for it there")
	require.Equal(t, "fixed", string(text))
}

func TestUnlockNeedsARunningDeployment(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	require.ErrorIs(t, s.Unlock(t.Context(), deploy.UnlockDevelopment), deploy.ErrNotBooted)
}

// When the overlay cannot be mounted there is no clone, and nothing that the initramfs takes for a hotfix.
func TestUnlockHotfixThatFailsLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	made := three(t)
	d := deployments(t, made)[1]
	clean(t, made)
	s, _ := boot(t, made, d)
	list, before := marks(deployments(t, s)), alike(t, s)
	err := s.Unlock(t.Context(), deploy.UnlockHotfix)
	require.ErrorIs(t, err, os.ErrNotExist, "the running system of this test has no /usr")
	require.ErrorContains(t, err, "unlock "+d.Name()+": mount")
	require.Equal(t, list, marks(deployments(t, s)))
	require.Empty(t, difference(before, alike(t, s)))
	require.Empty(t, deployments(t, s)[1].Unlocked)
	require.Error(t, os.Mkdir(d.Path+"/x", 0o755), "the deployment is immutable again")
	requireBoots(t, s)
}
