package deploy_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// boot makes a sysroot look as if one of its deployments was running, opens it like that and
// returns its /run as well.
func boot(t *testing.T, s *deploy.Sysroot, d deploy.Deployment) (booted *deploy.Sysroot, run string) {
	t.Helper()
	var st unix.Stat_t
	require.NoError(t, unix.Stat(d.Path, &st))
	opts := options(t)
	opts.HostRoot = s.Path()
	state := gvariant.Dict(gvariant.Entry{
		Key:   "backing-root-device-inode",
		Value: gvariant.Tuple(gvariant.Uint64(st.Dev), gvariant.Uint64(st.Ino)),
	})
	require.NoError(t, os.WriteFile(opts.RunDir+"/ostree-booted", state.Data(), 0o644))
	b, err := deploy.Open(s.Path(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b, opts.RunDir
}

// three makes a sysroot with versions 3, 2, 1, of which 2 is running.
func three(t *testing.T) *deploy.Sysroot {
	t.Helper()
	s := newSysroot(t)
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{Kargs: kargs.Args{"root=x"}})
	d := mustDeploy(t, s, commit(t, s, "2", nil), deploy.DeployOptions{})
	mustDeploy(t, s, commit(t, s, "3", nil), deploy.DeployOptions{Retain: deploy.Retain{All: true}})
	booted, _ := boot(t, s, *d)
	return booted
}

func marks(list []deploy.Deployment) []string {
	var out []string
	for _, d := range list {
		mark := d.Version
		for _, state := range []struct {
			name string
			on   bool
		}{{"booted", d.Booted}, {"pending", d.Pending}, {"rollback", d.Rollback}, {"staged", d.Staged}} {
			if state.on {
				mark += " " + state.name
			}
		}
		out = append(out, mark)
	}
	return out
}

func TestMarks(t *testing.T) {
	t.Parallel()
	s := three(t)
	require.Equal(t, []string{"3 pending", "2 booted", "1 rollback"}, marks(deployments(t, s)))
	merge, err := s.MergeDeployment(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, "2", merge.Version, "configuration comes from the running one")
}

func TestEmptyBootedFileMeansTheRootItself(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	opts := options(t)
	opts.HostRoot = s.Path()
	require.NoError(t, os.WriteFile(opts.RunDir+"/ostree-booted", nil, 0o644))
	b, err := deploy.Open(s.Path(), opts)
	require.NoError(t, err)
	defer func() { require.NoError(t, b.Close()) }()
	_, err = b.Deployments(t.Context())
	require.ErrorContains(t, err, "there is no boot entry for it", "the root is no deployment here")

	require.NoError(t, os.WriteFile(opts.RunDir+"/ostree-booted", []byte("rubbish"), 0o644))
	_, err = b.Deployments(t.Context())
	require.ErrorContains(t, err, "ostree-booted is damaged")
}

func TestTheRunningDeploymentStays(t *testing.T) {
	t.Parallel()
	s := three(t)
	list := deployments(t, s)
	var booted *deploy.BootedError
	require.ErrorAs(t, s.Undeploy(t.Context(), list[1]), &booted)
	require.ErrorContains(t, s.Undeploy(t.Context(), list[1]), "is running")
	require.NoError(t, s.Undeploy(t.Context(), list[0]))
	require.NoError(t, s.Undeploy(t.Context(), list[2]))
	report, err := s.Cleanup(t.Context())
	require.NoError(t, err)
	require.Len(t, report.Deployments, 2)
	require.Equal(t, []string{"2 booted"}, marks(deployments(t, s)))
}

func TestDeployWhileRunning(t *testing.T) {
	t.Parallel()
	s := three(t)
	require.NoError(t, os.WriteFile(deployments(t, s)[1].Path+"/etc/mine", []byte("x"), 0o644))
	d := mustDeploy(t, s, commit(t, s, "4", nil), deploy.DeployOptions{})
	require.FileExists(t, d.Path+"/etc/mine")
	require.True(t, d.Pending)
	require.Equal(t, []string{"4 pending", "2 booted"}, marks(deployments(t, s)), "as libostree does by default")
	mustDeploy(t, s, resolve(t, s, "1"), deploy.DeployOptions{Retain: deploy.Retain{Pending: true, Rollback: true}})
	require.Equal(t, []string{"1 pending", "4", "2 booted"}, marks(deployments(t, s)))
}

func TestRollback(t *testing.T) {
	t.Parallel()
	s := three(t)
	d, err := s.Rollback(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, "2", d.Version)
	require.Equal(t, []string{"2 booted", "3 rollback", "1"}, marks(deployments(t, s)))
	d, err = s.Rollback(t.Context(), "os")
	require.NoError(t, err)
	require.Equal(t, "3", d.Version, "a second rollback undoes the first")

	one := newSysroot(t)
	_, err = one.Rollback(t.Context(), "")
	require.ErrorContains(t, err, "stateroot os has 0")
}

func TestStagedDeployments(t *testing.T) {
	t.Parallel()
	s := three(t)
	list := deployments(t, s)
	target := list[0]
	require.NoError(t, s.Undeploy(t.Context(), target))
	b, run := boot(t, s, list[1])
	staged := gvariant.Dict(
		gvariant.Entry{Key: "target", Value: gvariant.Dict(
			gvariant.Entry{Key: "name", Value: gvariant.String(target.Name())},
			gvariant.Entry{Key: "osname", Value: gvariant.String("os")},
			gvariant.Entry{Key: "bootcsum", Value: gvariant.String(target.BootChecksum)},
		)},
		gvariant.Entry{Key: "kargs", Value: gvariant.Strings([]string{"a", "b=c"})},
		gvariant.Entry{Key: "unknown", Value: gvariant.Bool(true)},
	)
	require.NoError(t, os.MkdirAll(run+"/ostree", 0o755))
	require.NoError(t, os.WriteFile(run+"/ostree/staged-deployment", staged.Data(), 0o644))

	require.Equal(t, []string{"3 pending staged", "2 booted", "1 rollback"}, marks(deployments(t, b)))
	require.Equal(t, "a b=c", deployments(t, b)[0].Kargs.String())
	_, err := b.Cleanup(t.Context())
	require.NoError(t, err)
	require.DirExists(t, target.Path, "it is needed at shutdown")
	require.Contains(t, refs(t, s.Repo().Path()), refOf(t, s, target.Checksum))
}

func refOf(t *testing.T, s *deploy.Sysroot, c ostree.Checksum) string {
	t.Helper()
	for name, sum := range refs(t, s.Repo().Path()) {
		if matched, _ := filepath.Match("ostree/?/?/?", name); matched && sum == c.String() {
			return name
		}
	}
	return "no ref of " + c.String()
}

func FuzzParseStaged(f *testing.F) {
	f.Add([]byte{})
	f.Add(gvariant.Dict(gvariant.Entry{Key: "target", Value: gvariant.Dict(
		gvariant.Entry{Key: "name", Value: gvariant.String("x.0")})}).Data())
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := deploy.ParseStaged(data)
		if err == nil {
			require.NotContains(t, d.Stateroot, "/")
		}
	})
}

func TestUnlocked(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	d := mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	b, run := boot(t, s, *d)
	require.Empty(t, deployments(t, b)[0].Unlocked)
	flags := filepath.Join(run, "ostree/deployment-state", d.Name())
	require.NoError(t, os.MkdirAll(flags, 0o755))
	require.NoError(t, os.WriteFile(flags+"/unlocked-development", nil, 0o644))
	require.Equal(t, "development", deployments(t, b)[0].Unlocked)
	o := d.Origin.Clone()
	o.Unlocked = "hotfix"
	require.NoError(t, s.SetOrigin(t.Context(), *d, o))
	require.Equal(t, "hotfix", deployments(t, s)[0].Unlocked)
}
