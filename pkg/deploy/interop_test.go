package deploy_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// twin is a sysroot made by the tool beside one made here, for doing the same to both.
type twin struct {
	mine   *deploy.Sysroot
	theirs string
}

func newTwin(t *testing.T) twin {
	t.Helper()
	mine := newSysroot(t)
	theirs := filepath.Join(tempDir(t), "sysroot")
	require.NoError(t, os.Mkdir(theirs, 0o755))
	ostreeTool(t, "admin", "init-fs", theirs)
	ostreeTool(t, "admin", "os-init", "os", "--sysroot="+theirs)
	return twin{mine, theirs}
}

func (w twin) commit(t *testing.T, version string, changes tree) ostree.Checksum {
	t.Helper()
	c := commit(t, w.mine, version, changes)
	ostreeTool(t, "--repo="+w.theirs+"/ostree/repo", "pull-local", w.mine.Repo().Path(), "branch/"+version)
	return c
}

// deploy deploys with both. The tool cleans up afterwards, so this does, too.
func (w twin) deploy(t *testing.T, version string, opts deploy.DeployOptions, args ...string) {
	t.Helper()
	refspec := "branch/" + version
	c, err := w.mine.Repo().Resolve(t.Context(), refspec)
	require.NoError(t, err)
	_, err = w.mine.Deploy(t.Context(), c, origin.New(refspec), opts)
	require.NoError(t, err)
	_, err = w.mine.Cleanup(t.Context())
	require.NoError(t, err)
	ostreeTool(t, append([]string{"admin", "deploy", "--sysroot=" + w.theirs, "--os=os", refspec}, args...)...)
}

// requireSame compares every file, link, mode and owner of both.
func (w twin) requireSame(t *testing.T) {
	t.Helper()
	require.Equal(t, layout(t, w.theirs), layout(t, w.mine.Path()))
	require.Equal(t, refs(t, w.theirs+"/ostree/repo"), refs(t, w.mine.Repo().Path()))
	requireAgreement(t, w.mine)
}

func TestInitLikeOstree(t *testing.T) {
	t.Parallel()
	w := newTwin(t)
	require.Equal(t, layout(t, w.theirs), layout(t, w.mine.Path()))
	require.Equal(t, "No deployments.", ostreeTool(t, "admin", "status", "--sysroot="+w.mine.Path()))
	require.Empty(t, deployments(t, w.mine))
}

func TestDeployLikeOstree(t *testing.T) {
	t.Parallel()
	w := newTwin(t)
	w.commit(t, "1", nil)
	w.commit(t, "2", nil)
	w.commit(t, "3", tree{"usr/lib/modules/6.1.0/vmlinuz": "other kernel"})
	root := deploy.DeployOptions{Kargs: kargs.Parse("root=LABEL=x quiet")}

	w.deploy(t, "1", root, "--karg=root=LABEL=x", "--karg=quiet")
	w.requireSame(t)
	w.deploy(t, "2", deploy.DeployOptions{})
	w.requireSame(t)
	w.deploy(t, "3", deploy.DeployOptions{EditKargs: kargs.Edit{Append: []string{"console=ttyS0"}}}, "--karg-append=console=ttyS0")
	w.requireSame(t)
	// The same commit again: another serial, the same kernel, and only the link farm changes.
	w.deploy(t, "3", deploy.DeployOptions{})
	w.requireSame(t)
	w.deploy(t, "3", deploy.DeployOptions{})
	w.requireSame(t)
	w.deploy(t, "1", deploy.DeployOptions{Retain: deploy.Retain{All: true}}, "--retain")
	w.requireSame(t)
	w.deploy(t, "2", deploy.DeployOptions{NotDefault: true, Retain: deploy.Retain{Rollback: true}}, "--not-as-default", "--retain-rollback")
	w.requireSame(t)
	w.deploy(t, "1", deploy.DeployOptions{NoMerge: true, Retain: deploy.Retain{Pending: true}}, "--no-merge", "--retain-pending")
	w.requireSame(t)
}

func TestLocalConfigurationLikeOstree(t *testing.T) {
	t.Parallel()
	w := newTwin(t)
	w.commit(t, "1", nil)
	w.commit(t, "2", tree{"usr/etc/a.conf": "new default", "usr/etc/c.conf": "new", "usr/etc/d/b.conf": "new default"})
	w.deploy(t, "1", deploy.DeployOptions{})
	name := deployments(t, w.mine)[0].Name()
	for _, root := range []string{w.theirs, w.mine.Path()} {
		etc := filepath.Join(root, "ostree/deploy/os/deploy", name, "etc")
		require.NoError(t, os.WriteFile(etc+"/a.conf", []byte("mine"), 0o644))
		require.NoError(t, os.WriteFile(etc+"/.updated", nil, 0o644))
		require.NoError(t, os.Mkdir(etc+"/mine", 0o700))
		require.NoError(t, os.WriteFile(etc+"/mine/x", []byte("x"), 0o600))
		require.NoError(t, os.Remove(etc+"/d/b.conf"))
		require.NoError(t, os.WriteFile(filepath.Join(root, "ostree/deploy/os/var/.updated"), nil, 0o644))
	}
	w.deploy(t, "2", deploy.DeployOptions{})
	w.requireSame(t)
	for _, stamp := range []string{deployments(t, w.mine)[0].Path + "/etc/.updated", w.mine.Path() + "/ostree/deploy/os/var/.updated"} {
		require.NoFileExists(t, stamp)
	}
}

func TestKernelVariantsLikeOstree(t *testing.T) {
	t.Parallel()
	const modules = "usr/lib/modules/6.1.0/"
	const sum = "-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for name, changes := range map[string]tree{
		"no initramfs":           {modules + "initramfs.img": "-"},
		"initramfs without .img": {modules + "initramfs.img": "-", modules + "initramfs": "i"},
		"device tree":            {modules + "devicetree": "dt"},
		"device trees":           {modules + "dtb/b/x.dtb": "x", modules + "dtb/a.dtb": "a", modules + "dtb/b.dtb": "b"},
		"hmac":                   {modules + ".vmlinuz.hmac": "h"},
		"modules without kernel": {"usr/lib/modules/5.0/extra.ko": "m"},
		"legacy": {
			modules + "vmlinuz": "-", modules + "initramfs.img": "-",
			"usr/lib/ostree-boot/vmlinuz-3.6" + sum: "k", "usr/lib/ostree-boot/initramfs-3.6.img" + sum: "i",
		},
		"legacy in boot": {
			modules + "vmlinuz": "-", modules + "initramfs.img": "-",
			"boot/vmlinuz-3.6" + sum: "k", "boot/initramfs-3.6.img" + sum: "i",
		},
		"legacy without version": {
			modules + "vmlinuz": "-", modules + "initramfs.img": "-",
			"boot/vmlinuz" + sum: "k", "boot/initramfs" + sum: "i", "boot/devicetree" + sum: "d",
		},
		"legacy initramfs wins": {
			modules + "initramfs.img":               "-",
			"usr/lib/ostree-boot/vmlinuz-3.6" + sum: "k", "usr/lib/ostree-boot/initramfs-3.6.img" + sum: "i",
		},
		"version in the name": {"usr/lib/os-release": "PRETTY_NAME='Name 7'\n"},
		"only an ID":          {"usr/lib/os-release": "#PRETTY_NAME=x\nID=plain\n"},
		"os-release in etc":   {"usr/lib/os-release": "-", "usr/etc/os-release": "ID=etc\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTwin(t)
			w.commit(t, "7", changes)
			if changes["usr/lib/os-release"] == "-" {
				// What complete() looks for is not everywhere.
				w.deploy(t, "7", deploy.DeployOptions{Kargs: kargs.Args{"root=x"}}, "--karg=root=x")
				require.Equal(t, layout(t, w.theirs), layout(t, w.mine.Path()))
				return
			}
			w.deploy(t, "7", deploy.DeployOptions{Kargs: kargs.Args{"root=x"}}, "--karg=root=x")
			w.requireSame(t)
			// Once more, so that entries are made from a deployed tree, too.
			w.deploy(t, "7", deploy.DeployOptions{EditKargs: kargs.Edit{Append: []string{"x"}}}, "--karg-append=x")
			w.requireSame(t)
		})
	}
}

func TestRepositorySettingsLikeOstree(t *testing.T) {
	t.Parallel()
	for key, value := range map[string]string{"bls-append-except-default": "k=v;other=a b;", "bootloader": "none"} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			w := newTwin(t)
			require.NoError(t, w.mine.Repo().SetConfigValue("sysroot", key, value))
			ostreeTool(t, "--repo="+w.theirs+"/ostree/repo", "config", "set", "sysroot."+key, value)
			w.commit(t, "1", nil)
			w.deploy(t, "1", deploy.DeployOptions{})
			w.commit(t, "2", nil)
			w.deploy(t, "2", deploy.DeployOptions{})
			require.Equal(t, normalEntries(t, w.theirs), normalEntries(t, w.mine.Path()))
		})
	}
}

// Either way of naming boot entries is read by both, also mixed over time.
func TestEntryNames(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"))
	for _, names := range []deploy.EntryNames{deploy.NamesShort, deploy.NamesWithStateroot} {
		opts := options(t)
		opts.EntryNames = names
		s := newSysrootWith(t, opts)
		mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
		want := map[deploy.EntryNames]string{deploy.NamesShort: "ostree-1.conf", deploy.NamesWithStateroot: "ostree-1-os.conf"}
		require.Contains(t, entries(t, s.Path()), want[names])
		requireAgreement(t, s)
		commit(t, s, "2", nil)
		ostreeTool(t, "admin", "deploy", "--sysroot="+s.Path(), "--os=os", "branch/2")
		requireAgreement(t, s)
		mustDeploy(t, s, resolve(t, s, "1"), deploy.DeployOptions{})
		requireAgreement(t, s)
	}
}
