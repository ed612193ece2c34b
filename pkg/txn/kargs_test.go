package txn_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func TestKargs(t *testing.T) {
	t.Parallel()
	h, commits := bootedHost(t)
	d := h.apply(txn.Change{Kargs: &txn.Kargs{Append: []string{"quiet", "x=1", `spaced="a b"`}}})
	require.Equal(t, commits["2"], d.Checksum)
	require.True(t, d.Staged)
	require.Equal(t, `quiet x=1 spaced="a b"`, d.Kargs.String())
	require.True(t, h.plan(txn.Change{Kargs: &txn.Kargs{AppendIfMissing: []string{"quiet"}}}).Unchanged)
	require.True(t, h.plan(txn.Change{Kargs: &txn.Kargs{DeleteIfPresent: []string{"none"}}}).Unchanged)

	d = h.apply(txn.Change{Upgrade: true})
	require.Equal(t, commits["3"], d.Checksum)
	require.Equal(t, `quiet x=1 spaced="a b"`, d.Kargs.String(), "arguments of what is staged are carried over")
	d = h.apply(txn.Change{Kargs: &txn.Kargs{Replace: []string{"x=2"}, Delete: []string{"quiet"}}})
	require.Equal(t, commits["3"], d.Checksum, "a pending change of the base stays")
	require.Equal(t, `x=2 spaced="a b"`, h.shutdown().Deployment.Kargs.String())

	for text, k := range map[string]txn.Kargs{
		`"none" not found`:         {Delete: []string{"none"}},
		"names the deployment":     {Append: []string{"ostree=/x"}},
		"there is no deployment 7": {DeployIndex: new(7)},
		"not from both":            {DeployIndex: new(0), From: []string{"a"}},
	} {
		err := h.planError(txn.Change{Kargs: &k})
		require.ErrorContains(t, err, text)
		require.Equal(t, txn.KindRequest, txn.Classify(err))
	}
	require.ErrorAs(t, h.planError(txn.Change{Kargs: &txn.Kargs{From: []string{"a"}, Seen: []string{"other"}}}), new(*txn.StaleError))
	require.Equal(t, []string{"a"}, h.plan(txn.Change{Kargs: &txn.Kargs{From: []string{"a"}, Seen: []string{"x=2", `spaced="a b"`}}}).Kargs)
	require.Equal(t, []string{"new"}, h.plan(txn.Change{Kargs: &txn.Kargs{DeployIndex: new(1), Append: []string{"new"}}}).Kargs)
	args, err := h.KernelArguments(t.Context(), new(1))
	require.NoError(t, err)
	require.Empty(t, args)
	d = h.apply(txn.Change{Kargs: &txn.Kargs{From: []string{}}})
	require.Empty(t, d.Kargs)
	require.Empty(t, h.shutdown().Deployment.Kargs)
}

// TestKargsWithoutArchives of a system with layered packages.
func TestKargsWithoutArchives(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "1")
	h.layer("tool")
	require.NoError(t, os.RemoveAll(h.archive.Dir))
	require.NoError(t, os.RemoveAll(h.path+"/ostree/deploy/debian/var/cache/apt-ostree"))
	list, err := h.sysroot.Deployments(t.Context())
	require.NoError(t, err)
	d := h.apply(txn.Change{Kargs: &txn.Kargs{Append: []string{"quiet"}}})
	require.Equal(t, list[0].Checksum, d.Checksum)
	require.Equal(t, []string{"tool"}, d.Origin.Requested)
	require.Equal(t, "quiet", d.Kargs.String())
}

// TestKargsOfTheImage come and go with it, whoever has been edited in between.
func TestKargsOfTheImage(t *testing.T) {
	t.Parallel()
	h, _ := bootedHost(t)
	asks := func(version, args string) {
		h.write(ref, h.tree(version).With(ostreetest.Tree{
			"usr/lib/bootc/kargs.d/10.toml": ostreetest.File("kargs = [" + args + "]\n"),
		}), commitAt(h, version))
	}
	asks("4", `"a", "b"`)
	d := h.apply(txn.Change{Upgrade: true, Kargs: &txn.Kargs{Append: []string{"mine"}}})
	require.Equal(t, "a b mine", d.Kargs.String())
	asks("5", `"b", "c"`)
	require.Equal(t, "b mine c", h.apply(txn.Change{Upgrade: true}).Kargs.String())
}

func TestInitramfs(t *testing.T) {
	t.Parallel()
	h, commits := bootedHost(t)
	p := h.plan(txn.Change{Initramfs: &txn.Initramfs{Enable: true, Args: []string{"--add=lvm"}}})
	require.False(t, p.Unchanged)
	require.Equal(t, commits["2"], p.Base)
	require.True(t, p.Assembled.IsZero(), "a tree has to be assembled")
	require.NotEqual(t, p.Digest, h.plan(txn.Change{Initramfs: &txn.Initramfs{Enable: true}}).Digest)
	for text, c := range map[string]txn.Initramfs{
		"one of both":           {},
		"need it to be enabled": {Disable: true, Args: []string{"x"}},
		"already disabled":      {Disable: true},
	} {
		require.ErrorContains(t, h.planError(txn.Change{Initramfs: &c}), text)
	}
	err := h.planError(txn.Change{Initramfs: &txn.Initramfs{Enable: true}, InitramfsEtc: &txn.InitramfsEtc{Track: []string{"/etc/apt"}}})
	require.ErrorContains(t, err, "excludes that it is made on this machine")

	list, err := h.sysroot.Deployments(t.Context())
	require.NoError(t, err)
	o := list[0].Origin.Clone()
	o.RegenerateInitramfs = true
	require.NoError(t, h.sysroot.SetOrigin(t.Context(), list[0], o))
	require.ErrorContains(t, h.planError(txn.Change{Initramfs: &txn.Initramfs{Enable: true}}), "already enabled")
	require.False(t, h.plan(txn.Change{Initramfs: &txn.Initramfs{Enable: true, Args: []string{"x"}}}).Unchanged)
	require.True(t, h.plan(txn.Change{Kargs: &txn.Kargs{AppendIfMissing: []string{"quiet"}}}).Assembled.IsZero())
	d := h.apply(txn.Change{Initramfs: &txn.Initramfs{Disable: true}})
	require.Equal(t, commits["2"], d.Checksum)
	require.False(t, d.Origin.RegenerateInitramfs)
}

// TestInitramfsEtc has an initrd whose content the real cpio reads, and which follows the files.
func TestInitramfsEtc(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("cpio"))
	h, commits := bootedHost(t)
	list, err := h.sysroot.Deployments(t.Context())
	require.NoError(t, err)
	etc := list[0].Path + "/etc"
	require.NoError(t, os.WriteFile(etc+"/crypttab", []byte("secret\n"), 0o600))
	require.NoError(t, os.Mkdir(etc+"/cmdline.d", 0o755))
	require.NoError(t, os.WriteFile(etc+"/cmdline.d/net.conf", []byte("ip=dhcp\n"), 0o644))
	require.NoError(t, os.Symlink("net.conf", etc+"/cmdline.d/link"))

	d := h.apply(txn.Change{InitramfsEtc: &txn.InitramfsEtc{Track: []string{"/etc/crypttab", "/etc/cmdline.d/"}}})
	require.Equal(t, commits["2"], d.Checksum)
	require.Equal(t, []string{"/etc/cmdline.d", "/etc/crypttab"}, d.Origin.InitramfsEtc)
	require.Len(t, d.OverlayInitrds(), 1)
	require.True(t, h.plan(txn.Change{InitramfsEtc: &txn.InitramfsEtc{ForceSync: true}}).Unchanged)
	status, err := h.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"/etc/cmdline.d", "/etc/crypttab"}, status.Deployments[0].InitramfsEtc)

	require.NoError(t, os.WriteFile(etc+"/crypttab", []byte("changed\n"), 0o600))
	d = h.apply(txn.Change{Upgrade: true})
	require.Equal(t, commits["3"], d.Checksum)
	final := h.shutdown().Deployment
	require.Equal(t, d.OverlayInitrds(), final.OverlayInitrds())
	h.requireInitrd(final, map[string]string{
		"etc": "", "etc/cmdline.d": "", "etc/cmdline.d/link": "", "etc/cmdline.d/net.conf": "ip=dhcp\n", "etc/crypttab": "changed\n",
	})
	h.boot(1)
	require.True(t, h.plan(txn.Change{InitramfsEtc: &txn.InitramfsEtc{ForceSync: true}}).Unchanged)
	require.NoError(t, os.WriteFile(etc+"/crypttab", []byte("again\n"), 0o600))
	require.False(t, h.plan(txn.Change{Upgrade: true}).Unchanged, "edited files are noticed")

	for text, c := range map[string]txn.InitramfsEtc{
		"Path outside /etc forbidden: /usr/x":       {Track: []string{"/usr/x"}},
		"Path outside /etc forbidden: /etc/../root": {Track: []string{"/etc/../root"}},
		"/etc/none: there is no such file":          {Track: []string{"/etc/none"}},
		"/etc/none is not tracked":                  {Untrack: []string{"/etc/none"}},
	} {
		require.ErrorContains(t, h.planError(txn.Change{InitramfsEtc: &c}), text)
	}
	require.NoError(t, os.Remove(etc+"/crypttab"))
	require.Contains(t, h.plan(txn.Change{Upgrade: true}).Warnings[0], "/etc/crypttab: tracked")
	d = h.apply(txn.Change{InitramfsEtc: &txn.InitramfsEtc{UntrackAll: true}})
	require.Empty(t, d.Origin.InitramfsEtc)
	require.Empty(t, d.OverlayInitrds())
}

// requireInitrd reads the initrd of a deployment with cpio.
func (h *host) requireInitrd(d *deploy.Deployment, want map[string]string) {
	h.t.Helper()
	initrd := h.path + "/boot/ostree/initramfs-overlays/" + d.OverlayInitrds()[0] + ".img"
	dir := h.t.TempDir()
	cmd := exec.CommandContext(h.t.Context(), "cpio", "--extract", "--quiet", "--file="+initrd)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(h.t, err, string(out))
	list, err := exec.CommandContext(h.t.Context(), "cpio", "--list", "--quiet", "--file="+initrd).CombinedOutput()
	require.NoError(h.t, err, string(list))
	require.Equal(h.t, sortedKeys(want), strings.Fields(string(list)))
	for name, content := range want {
		if content == "" {
			continue
		}
		have, err := os.ReadFile(dir + "/" + name)
		require.NoError(h.t, err)
		require.Equal(h.t, content, string(have))
	}
	info, err := os.Stat(dir + "/etc/crypttab")
	require.NoError(h.t, err)
	require.Equal(h.t, os.FileMode(0o600), info.Mode())
}
