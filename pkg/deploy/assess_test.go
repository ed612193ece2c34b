package deploy_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

func healthy(context.Context) error { return nil }

func ill(context.Context) error { return errors.New("no\nnetwork") }

func checks(run ...func(context.Context) error) []deploy.HealthCheck {
	var all []deploy.HealthCheck
	for _, r := range run {
		all = append(all, deploy.HealthCheck{Name: "check", Run: r})
	}
	return all
}

// counted makes a sysroot with version 1, good, and version 2, which may be tried that often.
func counted(t *testing.T, tries string, prepare func(root string)) (s *deploy.Sysroot, second deploy.Deployment) {
	t.Helper()
	s = newSysroot(t)
	prepare(s.Path())
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	require.NoError(t, s.Repo().SetConfigValue("sysroot", "boot-counting-tries", tries))
	return s, *mustDeploy(t, s, commit(t, s, "2", nil), deploy.DeployOptions{})
}

// names are those of the boot entries in effect, without the stateroot.
func names(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(dir + "/*.conf")
	require.NoError(t, err)
	var out []string
	for _, file := range files {
		out = append(out, strings.Replace(filepath.Base(file), "-os", "", 1))
	}
	return out
}

func TestAGoodBootIsNotCountedAnyMore(t *testing.T) {
	t.Parallel()
	s, d := counted(t, "3", func(string) {})
	require.Equal(t, []string{"ostree-1.conf", "ostree-2+3.conf"}, names(t, s.Path()+"/boot/loader/entries"))
	b, _ := boot(t, s, d)
	for range 2 {
		a, err := b.AssessBoot(t.Context(), checks(healthy, healthy))
		require.NoError(t, err)
		require.Equal(t, &deploy.Assessment{Good: true}, a)
		require.Equal(t, []string{"ostree-1.conf", "ostree-2.conf"}, names(t, s.Path()+"/boot/loader/entries"))
	}
	requireAgreement(t, s)
	_, err := s.AssessBoot(t.Context(), nil)
	require.ErrorIs(t, err, deploy.ErrNotBooted)
}

// A boot loader that does not count: the tries are counted where they are found to be bad.
func TestABadDeploymentIsTriedAgainAndGivenUp(t *testing.T) {
	t.Parallel()
	s, d := counted(t, "2", func(string) {})
	b, _ := boot(t, s, d)
	a, err := b.AssessBoot(t.Context(), checks(healthy, ill))
	require.NoError(t, err)
	require.Equal(t, &deploy.Assessment{Reason: "check: no network", TriesLeft: 1, Reboot: true}, a)
	require.Equal(t, []string{"ostree-1.conf", "ostree-2+1-1.conf"}, names(t, s.Path()+"/boot/loader/entries"))
	require.Equal(t, []string{"2", "1"}, versions(deployments(t, s)))

	a, err = b.AssessBoot(t.Context(), checks(ill))
	require.NoError(t, err)
	require.True(t, a.Reboot)
	require.Equal(t, "2", a.Failed.Version)
	require.Equal(t, "1", a.Default.Version)
	require.Equal(t, []string{"1", "2"}, versions(deployments(t, s)))
	require.Equal(t, "check: no network", deployments(t, s)[1].BootFailure, "status knows why")
	require.Equal(t, []string{"ostree-1+0-2.conf", "ostree-2.conf"}, names(t, s.Path()+"/boot/loader/entries"))
	requireAgreement(t, s)

	// The next one does not carry the failure on, and who insists gets another chance.
	after, _ := boot(t, s, deployments(t, s)[0])
	a, err = after.AssessBoot(t.Context(), checks(healthy))
	require.NoError(t, err)
	require.True(t, a.Good)
	require.NoError(t, s.SetDefault(t.Context(), deployments(t, s)[1]))
	require.Equal(t, []string{"ostree-1.conf", "ostree-2+2.conf"}, names(t, s.Path()+"/boot/loader/entries"))
	a, err = b.AssessBoot(t.Context(), checks(healthy))
	require.NoError(t, err)
	require.True(t, a.Good)
	require.Empty(t, deployments(t, s)[0].BootFailure)
}

func TestWithoutAnotherDeploymentThereIsNoWayBack(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	d := mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	b, _ := boot(t, s, *d)
	a, err := b.AssessBoot(t.Context(), checks(ill))
	require.NoError(t, err)
	require.Equal(t, &deploy.Assessment{Reason: "check: no network"}, a)
	require.Equal(t, "check: no network", deployments(t, s)[0].BootFailure)

	// Without a counter one failure is enough.
	second := mustDeploy(t, s, commit(t, s, "2", nil), deploy.DeployOptions{})
	require.Empty(t, second.BootFailure)
	b, _ = boot(t, s, *second)
	_, err = b.AssessBoot(t.Context(), checks(healthy))
	require.NoError(t, err)
	a, err = b.AssessBoot(t.Context(), checks(ill))
	require.NoError(t, err)
	require.False(t, a.Reboot, "the only other one is known to fail")
}

// GRUB counts in loader/grubenv, down to where it boots the other entry.
func TestGRUBGivesUp(t *testing.T) {
	t.Parallel()
	s, d := counted(t, "2", func(root string) {
		require.NoError(t, os.MkdirAll(root+"/boot/grub", 0o755))
		require.NoError(t, os.WriteFile(root+"/boot/grub/grub.cfg", nil, 0o644))
	})
	env := s.Path() + "/boot/loader/grubenv"
	left := func(n string) {
		text, err := os.ReadFile(env)
		require.NoError(t, err)
		at := strings.Index(string(text), "ostree_tries=")
		require.Positive(t, at)
		text[at+len("ostree_tries=")] = n[0]
		require.NoError(t, os.WriteFile(env, text, 0o600))
	}
	b, _ := boot(t, s, d)
	left("1")
	a, err := b.AssessBoot(t.Context(), checks(ill))
	require.NoError(t, err)
	require.Equal(t, &deploy.Assessment{Reason: "check: no network", TriesLeft: 1, Reboot: true}, a)
	left("0")

	require.Equal(t, []string{"ostree-1.conf", "ostree-2+1-1.conf"}, names(t, s.Path()+"/boot/loader/entries"))

	// The second try does not get far, and GRUB boots the other one.
	other, _ := boot(t, s, deployments(t, s)[1])
	a, err = other.AssessBoot(t.Context(), checks(healthy))
	require.NoError(t, err)
	require.False(t, a.Reboot)
	require.Equal(t, "2", a.Failed.Version)
	require.Equal(t, []string{"1 booted", "2 rollback"}, marks(deployments(t, other)))
	require.Equal(t, "check: no network", deployments(t, s)[1].BootFailure)
	require.NoFileExists(t, env, "the default is not counted")
	requireBoots(t, s)
	requireAgreement(t, s)

	// Good: the counter is empty.
	require.NoError(t, s.SetDefault(t.Context(), deployments(t, s)[1]))
	left("1")
	a, err = b.AssessBoot(t.Context(), checks(healthy))
	require.NoError(t, err)
	require.True(t, a.Good)
	text, err := os.ReadFile(env)
	require.NoError(t, err)
	require.Contains(t, string(text), "ostree_tries=\n#")
}

// Deployments with the same kernel, as those that only differ in layered packages, have boot entries that
// could stay when they change places. Their counters cannot.
func TestCountersFollowTheirDeployments(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	require.NoError(t, os.MkdirAll(s.Path()+"/boot/grub", 0o755))
	require.NoError(t, os.WriteFile(s.Path()+"/boot/grub/grub.cfg", nil, 0o644))
	same := commit(t, s, "1", nil)
	first := mustDeploy(t, s, same, deploy.DeployOptions{})
	entries := s.Path() + "/boot/loader/entries"
	require.NoError(t, s.Repo().SetConfigValue("sysroot", "boot-counting-tries", "1"))
	second := mustDeploy(t, s, same, deploy.DeployOptions{})
	require.Equal(t, []string{"ostree-1.conf", "ostree-2+1.conf"}, names(t, entries))

	b, _ := boot(t, s, *second)
	a, err := b.AssessBoot(t.Context(), checks(ill))
	require.NoError(t, err)
	require.True(t, a.Default.Same(*first))
	require.Equal(t, []string{"ostree-1+0-1.conf", "ostree-2.conf"}, names(t, entries))
	require.NoFileExists(t, s.Path()+"/boot/loader/grubenv", "the default is not counted")

	// One more takes the place of the one that was given up, and is counted anew.
	after, _ := boot(t, s, deployments(t, s)[0])
	mustDeploy(t, after, same, deploy.DeployOptions{})
	require.Equal(t, []string{"ostree-1.conf", "ostree-2+1.conf"}, names(t, entries))
	require.FileExists(t, s.Path()+"/boot/loader/grubenv")
	requireBoots(t, s)
}

// Where GRUB cannot write, the counter goes down nevertheless.
func TestGRUBThatCannotCount(t *testing.T) {
	t.Parallel()
	s, d := counted(t, "2", func(root string) {
		require.NoError(t, os.MkdirAll(root+"/boot/grub", 0o755))
		require.NoError(t, os.WriteFile(root+"/boot/grub/grub.cfg", nil, 0o644))
	})
	b, _ := boot(t, s, d)
	a, err := b.AssessBoot(t.Context(), checks(ill))
	require.NoError(t, err)
	require.Equal(t, &deploy.Assessment{Reason: "check: no network", TriesLeft: 1, Reboot: true}, a)
	text, err := os.ReadFile(s.Path() + "/boot/loader/grubenv")
	require.NoError(t, err)
	require.Contains(t, string(text), "ostree_tries=1\n")
	a, err = b.AssessBoot(t.Context(), checks(ill))
	require.NoError(t, err)
	require.Equal(t, "2", a.Failed.Version)
	require.Equal(t, []string{"1", "2"}, versions(deployments(t, s)))
}

// systemd-boot counts in the names on the EFI system partition.
func TestSystemdBootGivesUp(t *testing.T) {
	t.Parallel()
	s, d := counted(t, "2", func(root string) {
		require.NoError(t, os.MkdirAll(root+"/efi/EFI/systemd", 0o755))
		require.NoError(t, os.WriteFile(root+"/efi/EFI/systemd/systemd-bootx64.efi", nil, 0o644))
	})
	dir := s.Path() + "/efi/loader/entries"
	require.Equal(t, []string{"ostree-2.1.conf", "ostree-2.2+2.conf"}, names(t, dir))
	require.NoError(t, os.Rename(dir+"/ostree-2.2+2.conf", dir+"/ostree-2.2+0-2.conf"))
	other, _ := boot(t, s, deployments(t, s)[1])
	a, err := other.AssessBoot(t.Context(), checks(healthy))
	require.NoError(t, err)
	require.Equal(t, "it did not finish booting, however often it was tried", a.Reason)
	require.Equal(t, []string{"1 booted", "2 rollback"}, marks(deployments(t, other)))
	require.Equal(t, []string{"ostree-3.1+2.conf", "ostree-3.2.conf"}, names(t, dir))

	require.NoError(t, s.SetDefault(t.Context(), deployments(t, s)[1]))
	require.NoError(t, os.Rename(dir+"/ostree-4.2+2.conf", dir+"/ostree-4.2+1-1.conf"))
	b, _ := boot(t, s, d)
	a, err = b.AssessBoot(t.Context(), nil)
	require.NoError(t, err)
	require.True(t, a.Good)
	require.Equal(t, []string{"ostree-4.1.conf", "ostree-4.2.conf"}, names(t, dir))
	requireBoots(t, s)
}
