package assemble_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// withReal is the base with packages of the archive on it.
func withReal(t *testing.T, names ...string) (*ostree.Repo, base) {
	t.Helper()
	repo, b := minimal(t)
	s := debianSet(t, slices.Concat(minimalSet, names)...)
	s.packages = slices.DeleteFunc(s.packages, func(p *apt.Package) bool {
		return slices.ContainsFunc(b.installed, func(q *apt.Package) bool { return p.Key() == q.Key() })
	})
	result, err := assemble.Build(t.Context(), assemble.Input{
		Repo: repo, Base: b.commit, Batches: s.batches(t, b.installed...), Debs: s.debs, Timestamp: epoch, Runner: jail(t),
	})
	require.NoError(t, err)
	return repo, base{commit: result.Commit, tree: result.Tree, installed: result.Packages}
}

// TestScriptsCallPackageTools: scripts may ask systemd, invoke-rc.d and APT for what they like. Units are enabled by
// links, nothing is started, restarted or stopped, and nothing is installed.
func TestScriptsCallPackageTools(t *testing.T) {
	repo, b := withReal(t, "systemd", "systemd-sysv", "apt")
	service := apttest.Deb{
		Package: "service", Files: []apttest.File{
			{Path: "usr/lib/systemd/system/noise.service", Content: "[Service]\nExecStart=/bin/touch /usr/share/started\n[Install]\nWantedBy=multi-user.target\n"},
			{Path: "etc/init.d/noise", Mode: 0o755, Content: "#!/bin/sh\ntouch /usr/share/started\n"},
		},
	}
	t.Run("services", func(t *testing.T) {
		deb := service
		deb.Scripts = map[string]string{"postinst": `
set +e # as debhelper and less careful people write it
systemctl --system daemon-reload
deb-systemd-helper unmask noise.service
deb-systemd-helper enable noise.service
deb-systemd-invoke start noise.service
deb-systemd-invoke restart noise.service
invoke-rc.d noise start
invoke-rc.d noise restart
systemctl --now enable noise.service
systemctl start noise.service
systemctl restart --no-block noise.service
systemctl reboot
systemctl --force --force reboot
telinit 6
shutdown -h now
set -e
# reboot(2), on amd64
if perl -e 'exit(syscall(169, 0xfee1dead, 672274793, 0x1234567) == 0 ? 0 : 1)'; then exit 7; fi
test ! -e /usr/share/started
`}
		result, err := layer(t, repo, b, nil, deb)
		require.NoError(t, err)
		fsys, err := repo.FS(t.Context(), result.Commit)
		require.NoError(t, err)
		target, err := fsys.ReadLink("usr/etc/systemd/system/multi-user.target.wants/noise.service")
		require.NoError(t, err)
		require.Contains(t, target, "systemd/system/noise.service")
		require.Empty(t, list(t, repo, result.Commit, "run"))
	})
	t.Run("installs", func(t *testing.T) {
		for _, phase := range []string{"preinst", "postinst"} {
			_, err := layer(t, repo, b, nil, withScript(phase, "apt-get install -y hello"))
			var script *assemble.ScriptError
			require.ErrorAs(t, err, &script)
			require.Equal(t, "bad", script.Package)
			require.Equal(t, phase, script.Phase)
			require.Contains(t, strings.Join(script.Log, "\n"), "Could not get lock /var/lib/dpkg/lock-frontend")

			result, err := layer(t, repo, b, nil, withScript(phase, "apt-get update || true\napt-get install -y hello || true\ndpkg --remove --force-all adduser || true"))
			require.NoError(t, err)
			require.Len(t, result.Packages, len(b.installed)+1)
		}
	})
	intact(t, repo)
}

// TestDisappearingPackage: a package all of whose files another one takes over is gone, as dpkg has it, whoever
// unpacks. If both were to be installed the build fails, for the tree would not be what was planned.
func TestDisappearingPackage(t *testing.T) {
	repo, b := minimal(t)
	files := []apttest.File{{Path: "usr/share/passed-on", Content: "x"}}
	gone := apttest.Deb{Package: "gone", Files: files, Scripts: map[string]string{"postrm": `echo "$@" >/usr/share/last-words`}}
	taker := apttest.Deb{Package: "taker", Replaces: "gone", Files: files}
	first, err := layer(t, repo, b, nil, gone)
	require.NoError(t, err)
	var trees []ostree.TreeID
	for _, unpacker := range []assemble.UnpackMode{assemble.UnpackNative, assemble.UnpackDpkg} {
		second, err := layer(t, repo, base{commit: first.Commit, installed: first.Packages}, func(in *assemble.Input) { in.Unpacker = unpacker }, taker)
		require.NoError(t, err)
		require.Equal(t, "disappear taker 1.0\n", file(t, repo, second.Commit, "usr/share/last-words"))
		require.NotContains(t, status(t, repo, second.Commit), "gone")
		require.Len(t, second.Packages, len(first.Packages))
		trees = append(trees, second.Tree)

		_, err = layer(t, repo, b, func(in *assemble.Input) { in.Unpacker = unpacker }, gone, taker)
		require.ErrorContains(t, err, "package gone: no package named 'gone' is installed")
	}
	requireSameTree(t, repo, trees[0], trees[1])
	intact(t, repo)
}
