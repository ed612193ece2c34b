package deploy_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func TestPin(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	d := mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	for _, want := range []bool{true, false} {
		changed, err := s.Pin(t.Context(), *d, true)
		require.NoError(t, err)
		require.Equal(t, want, changed)
	}
	requireAgreement(t, s)
	mustDeploy(t, s, commit(t, s, "2", nil), deploy.DeployOptions{})
	mustDeploy(t, s, commit(t, s, "3", nil), deploy.DeployOptions{})
	require.Equal(t, []string{"3", "2", "1"}, versions(deployments(t, s)))
	ostreeTool(t, "admin", "pin", "-u", "2", "--sysroot="+s.Path())
	require.False(t, deployments(t, s)[2].Pinned)

	var none *deploy.NotFoundError
	_, err := s.Pin(t.Context(), deploy.Deployment{Stateroot: "os"}, true)
	require.ErrorAs(t, err, &none)
}

func TestSetDefaultAndUndeploy(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	for _, v := range []string{"1", "2", "3"} {
		mustDeploy(t, s, commit(t, s, v, nil), deploy.DeployOptions{Retain: deploy.Retain{All: true}})
	}
	list := deployments(t, s)
	require.NoError(t, s.SetDefault(t.Context(), list[2]))
	require.Equal(t, []string{"1", "3", "2"}, versions(deployments(t, s)))
	requireAgreement(t, s)
	before := layout(t, s.Path())
	require.NoError(t, s.SetDefault(t.Context(), list[2]), "nothing to do")
	require.Equal(t, before, layout(t, s.Path()))
	for _, d := range list {
		require.NoError(t, s.Undeploy(t.Context(), d))
	}
	require.Empty(t, deployments(t, s))
	require.Equal(t, "No deployments.", ostreeTool(t, "admin", "status", "--sysroot="+s.Path()))
	var none *deploy.NotFoundError
	require.ErrorAs(t, s.Undeploy(t.Context(), list[0]), &none)
	require.ErrorAs(t, s.SetDefault(t.Context(), list[0]), &none)
	report, err := s.Cleanup(t.Context())
	require.NoError(t, err)
	require.Len(t, report.Deployments, 3)
}

func TestKernelArguments(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	c := commit(t, s, "1", nil)
	deployed := func(opts deploy.DeployOptions) string { return mustDeploy(t, s, c, opts).Kargs.String() }
	require.Equal(t, "root=x ro", deployed(deploy.DeployOptions{Kargs: kargs.Parse("root=x ro ostree=/ignored")}))
	require.Equal(t, "root=x ro", deployed(deploy.DeployOptions{}), "carried over")
	require.Equal(t, "root=x quiet", deployed(deploy.DeployOptions{EditKargs: kargs.Edit{Delete: []string{"ro"}, Append: []string{"quiet"}}}))
	require.Empty(t, deployed(deploy.DeployOptions{Kargs: kargs.Args{}}), "an empty list is none")
	require.Empty(t, deployed(deploy.DeployOptions{NoMerge: true}))
	_, err := s.Deploy(t.Context(), c, nil, deploy.DeployOptions{EditKargs: kargs.Edit{Delete: []string{"nope"}}})
	var missing *kargs.NotFoundError
	require.ErrorAs(t, err, &missing)
	_, err = s.Deploy(t.Context(), c, nil, deploy.DeployOptions{Kargs: kargs.Args{"a\nlinux /evil"}})
	require.ErrorContains(t, err, "line breaks")
}

func TestSystemWithoutInitramfs(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	bare := commit(t, s, "1", tree{"usr/lib/modules/6.1.0/initramfs.img": "-"})
	d := mustDeploy(t, s, bare, deploy.DeployOptions{Kargs: kargs.Args{"root=x"}})
	require.Equal(t, "root=x", d.Kargs.String())
	require.Contains(t, entries(t, s.Path())[entryName(t, 1, "os")], " init=/ostree/boot.1/os/"+d.BootChecksum+"/0/usr/lib/ostree/ostree-prepare-root")
	d = mustDeploy(t, s, commit(t, s, "2", nil), deploy.DeployOptions{})
	require.NotContains(t, entries(t, s.Path())[entryName(t, 2, "os")], "init=/", "what has an initramfs does not need it")
	require.Equal(t, "root=x", d.Kargs.String())
}

func TestBootCounting(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	require.NoError(t, s.Repo().SetConfigValue("sysroot", "boot-counting-tries", "3"))
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	dir := s.Path() + "/boot/loader/entries/"
	fresh := strings.TrimSuffix(entryName(t, 1, "os"), ".conf") + "+3.conf"
	require.FileExists(t, dir+fresh)
	// systemd-boot counts down, and the boot is found good or bad.
	require.NoError(t, os.Rename(dir+fresh, dir+strings.Replace(fresh, "+3", "+2-1", 1)))
	mustDeploy(t, s, commit(t, s, "2", nil), deploy.DeployOptions{})
	older := strings.TrimSuffix(entryName(t, 1, "os"), ".conf") + "+2-1.conf"
	require.FileExists(t, dir+older)
	require.NoError(t, os.Rename(dir+older, dir+entryName(t, 1, "os")))
	mustDeploy(t, s, commit(t, s, "3", nil), deploy.DeployOptions{Retain: deploy.Retain{All: true}})
	require.FileExists(t, dir+entryName(t, 1, "os"), "good stays good")
	requireAgreement(t, s)
}

func TestBootPrefix(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	require.NoError(t, s.Repo().SetConfigValue("sysroot", "bootprefix", "true"))
	d := mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	require.Contains(t, entries(t, s.Path())[entryName(t, 1, "os")], "linux /boot/ostree/os-"+d.BootChecksum+"/vmlinuz-6.1.0\n")

	// What someone has typed into the file is not checked before it is used.
	second := commit(t, s, "2", nil)
	config := s.Repo().Path() + "/config"
	good, err := os.ReadFile(config)
	require.NoError(t, err)
	for key, value := range map[string]string{"bootprefix": "perhaps", "boot-counting-tries": "9"} {
		require.NoError(t, os.WriteFile(config, fmt.Appendf(good, "\n[sysroot]\n%s=%s\n", key, value), 0o644))
		reopened, err := deploy.Open(s.Path(), options(t))
		require.NoError(t, err)
		_, err = reopened.Deploy(t.Context(), second, nil, deploy.DeployOptions{})
		require.ErrorContains(t, err, "sysroot."+key)
		reopened.Close()
	}
}

func TestInitialVar(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	dir := s.Path() + "/ostree/deploy/os/var"
	c := commit(t, s, "1", tree{"var/lib/thing": "initial", "usr/lib/tmpfiles.d/x.conf": "d /x"})
	mustDeploy(t, s, c, deploy.DeployOptions{})
	data, err := os.ReadFile(dir + "/lib/thing")
	require.NoError(t, err)
	require.Equal(t, "initial", string(data))
	require.FileExists(t, dir+"/.ostree-selabeled")
	require.NoDirExists(t, dir+"/log", "systemd-tmpfiles makes the rest")

	require.NoError(t, os.WriteFile(dir+"/lib/thing", []byte("mine"), 0o644))
	mustDeploy(t, s, c, deploy.DeployOptions{})
	data, err = os.ReadFile(dir + "/lib/thing")
	require.NoError(t, err)
	require.Equal(t, "mine", string(data), "only an empty one is filled")

	require.NoError(t, s.InitStateroot(t.Context(), "classic"))
	mustDeploy(t, s, commit(t, s, "2", tree{"usr/etc/selinux/config": "x"}), deploy.DeployOptions{Stateroot: "classic"})
	classic := s.Path() + "/ostree/deploy/classic/var"
	target, err := os.Readlink(classic + "/lock")
	require.NoError(t, err)
	require.Equal(t, "../run/lock", target)
	require.NoFileExists(t, classic+"/.ostree-selabeled", "libostree has to label it")
}

func TestPreviewAndDiffEtc(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	d := mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	require.NoError(t, os.WriteFile(d.Path+"/etc/a.conf", []byte("mine"), 0o644))
	require.NoError(t, os.Remove(d.Path+"/etc/d/b.conf"))
	changes, err := s.DiffEtc(t.Context(), *d)
	require.NoError(t, err)
	require.Equal(t, []etcmerge.Change{{Path: "a.conf", Kind: etcmerge.Modified}, {Path: "d/b.conf", Kind: etcmerge.Removed}}, changes)
	require.Equal(t, "M    a.conf\nD    d/b.conf", ostreeConfigDiff(changes))

	next := commit(t, s, "2", tree{"usr/etc/a.conf": "new default", "usr/etc/c.conf": "x"})
	out, err := s.PreviewEtc(t.Context(), *d, next)
	require.NoError(t, err)
	require.Equal(t, &etcmerge.Outcome{
		Conflicts: []etcmerge.Conflict{{Path: "a.conf", Local: etcmerge.Modified, Default: etcmerge.Modified}},
		Removed:   []string{"d/b.conf"},
		Taken:     []etcmerge.Change{{Path: "c.conf", Kind: etcmerge.Added}},
	}, out)
	same, err := s.PreviewEtc(t.Context(), *d, d.Checksum)
	require.NoError(t, err)
	require.Empty(t, same.Taken, "owners and modes of commits and of files on disk are understood")
	require.Empty(t, same.Conflicts)
	require.Len(t, same.Kept, 1)
}

func ostreeConfigDiff(changes []etcmerge.Change) string {
	var lines []string
	for _, c := range changes {
		lines = append(lines, c.Kind.Letter()+"    "+c.Path)
	}
	return strings.Join(lines, "\n")
}

// What a deployment is built on survives pruning, also when the tool cleans up, and only as long as
// the deployment is there.
func TestBasesAreProtected(t *testing.T) {
	t.Parallel()
	opts := options(t)
	bases := make(map[ostree.Checksum]ostree.Checksum)
	opts.Bases = func(_ context.Context, d deploy.Deployment) ([]ostree.Checksum, error) {
		if base, ok := bases[d.Checksum]; ok {
			return []ostree.Checksum{base}, nil
		}
		return nil, nil
	}
	s := newSysrootWith(t, opts)
	repo := s.Repo().Path()
	loose := func(version string, changes tree) ostree.Checksum {
		c := commit(t, s, version, changes)
		ostreeTool(t, "--repo="+repo, "refs", "--delete", "branch/"+version)
		return c
	}
	base := loose("base", tree{"usr/only-in-base": "x"})
	layered := loose("layered", tree{"usr/layered": "x"})
	bases[layered] = base
	first := mustDeploy(t, s, layered, deploy.DeployOptions{})
	for _, clean := range []func(){
		func() { ostreeTool(t, "admin", "cleanup", "--sysroot="+s.Path()) },
		func() { _, err := s.Cleanup(t.Context()); require.NoError(t, err) },
	} {
		clean()
		require.Equal(t, base.String(), refs(t, repo)["apt-ostree/base/0"])
		ostreeTool(t, "--repo="+repo, "ls", base.String(), "/usr/only-in-base")
	}

	plain, err := deploy.Open(s.Path(), options(t))
	require.NoError(t, err)
	_, err = plain.Cleanup(t.Context())
	require.NoError(t, err)
	require.NoError(t, plain.Close())
	require.Contains(t, refs(t, repo), "apt-ostree/base/0", "one that knows of no bases leaves them alone")

	mustDeploy(t, s, commit(t, s, "2", nil), deploy.DeployOptions{})
	require.NoError(t, s.Undeploy(t.Context(), *first))
	report, err := s.Cleanup(t.Context())
	require.NoError(t, err)
	require.Positive(t, report.Freed)
	require.Equal(t, []string{"os/" + first.Name()}, report.Deployments)
	require.NotContains(t, refs(t, repo), "apt-ostree/base/0")
	_, err = s.Repo().LoadCommit(t.Context(), base)
	require.ErrorIs(t, err, ostree.ErrObjectNotFound)
}

func TestCleanupRemovesWhatIsLeftOver(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	d := mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	stray := strings.Repeat("ab", 32)
	for _, dir := range []string{
		"ostree/deploy/os/deploy/" + stray + ".3/usr", "ostree/deploy/os/backing/" + stray + ".4",
		"boot/ostree/os-" + stray, "boot/ostree/other-" + d.BootChecksum, "boot/loader.0/entries", "ostree/boot.0.1",
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(s.Path(), dir), 0o755))
	}
	for _, file := range []string{
		"ostree/deploy/os/deploy/" + stray + ".5.origin", "boot/ostree/initramfs-overlays/x.img", "boot/loader.tmp",
		"ostree/deploy/os/deploy/not-a-deployment", "boot/ostree/foreign",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(s.Path(), file)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(s.Path(), file), nil, 0o644))
	}
	report, err := s.Cleanup(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"os/" + stray + ".3"}, report.Deployments)
	text := strings.Join(layout(t, s.Path()), "\n")
	require.NotContains(t, text, stray)
	require.NotContains(t, text, "x.img")
	require.NotContains(t, text, "loader.tmp")
	require.NotContains(t, text, "other-")
	require.Contains(t, text, "not-a-deployment")
	require.Contains(t, text, "boot/ostree/foreign")
	requireAgreement(t, s)
}

func TestImmutable(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	d := mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	require.ErrorIs(t, os.WriteFile(d.Path+"/x", nil, 0o644), os.ErrPermission)
	s = newSysrootWith(t, mutable(t))
	d = mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	require.NoError(t, os.WriteFile(d.Path+"/x", nil, 0o644))
}

// With /boot on a file system of its own kernels are copied; and all of it works with syncing on.
func TestBootOnAnotherFileSystem(t *testing.T) {
	t.Parallel()
	opts := options(t)
	opts.NoSync = false
	s := newSysrootWith(t, opts)
	elsewhere := tempDirIn(t, "")
	if sameDevice(t, elsewhere, s.Path()) {
		t.Log("all temporary directories are on one file system: kernels are linked here, too")
	}
	require.NoError(t, os.Remove(s.Path()+"/boot"))
	require.NoError(t, os.Symlink(elsewhere, s.Path()+"/boot"))
	d := mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	data, err := os.ReadFile(filepath.Join(elsewhere, "ostree/os-"+d.BootChecksum, "vmlinuz-6.1.0"))
	require.NoError(t, err)
	require.Equal(t, "kernel", string(data))
	requireAgreement(t, s)
}

func TestProgress(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	var got []string
	_, err := s.Deploy(t.Context(), commit(t, s, "1", nil), origin.New("x"), deploy.DeployOptions{Progress: func(p deploy.Progress) {
		require.Equal(t, len(got), p.Done)
		require.Equal(t, 6, p.Total)
		got = append(got, p.Step)
	}})
	require.NoError(t, err)
	require.Equal(t, []string{"check out", "merge /etc", "prepare /var", "seal", "write boot entries", "switch"}, got)
}

// TestDeployCheckout takes a directory over that somebody has checked out.
func TestDeployCheckout(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	c := commit(t, s, "1", nil)
	checkOut := func() string {
		dir := filepath.Join(s.Repo().Path(), "tmp/made")
		require.NoError(t, s.Repo().Checkout(t.Context(), c, dir, ostree.CheckoutOptions{PassthroughWhiteouts: true}))
		return dir
	}
	made := checkOut()
	var st unix.Stat_t
	require.NoError(t, unix.Stat(made, &st))
	d := mustDeploy(t, s, c, deploy.DeployOptions{Checkout: made})
	require.NoDirExists(t, made)
	taken := st.Ino
	require.NoError(t, unix.Stat(d.Path, &st))
	require.Equal(t, taken, st.Ino)
	second := mustDeploy(t, s, c, deploy.DeployOptions{})
	require.Equal(t, layout(t, second.Path), layout(t, d.Path))
	requireAgreement(t, s)

	_, err := s.Deploy(t.Context(), c, nil, deploy.DeployOptions{Checkout: made})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, made)
	requireAgreement(t, s)
}
