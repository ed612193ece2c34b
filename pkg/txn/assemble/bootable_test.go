package assemble_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// TestComposeBootable makes everything a machine needs to boot, and layers on
// it what does and what does not need a new initramfs.
func TestComposeBootable(t *testing.T) {
	needAll(t)
	s := debianSet(t, "usr-is-merged", "linux-image-cloud-amd64", "dracut", "ostree-boot", "ostree",
		"systemd", "systemd-sysv", "dbus", "polkitd", "zstd", "udev", "netbase", "openssh-server")
	repo := newRepo(t, ostree.ModeBare)
	var slow []string
	last := time.Now()
	in := assemble.Input{
		Repo: repo, Batches: s.batches(t), Debs: s.debs, Timestamp: epoch, Runner: jail(t), Initramfs: true, LogDir: t.TempDir(), Logger: logger(t),
		Preseed:       []string{"openssh-server openssh-server/permit-root-login boolean false"},
		Units:         []string{"systemd-networkd.service"},
		DefaultTarget: "multi-user.target",
		Prepare: func(root string) error {
			return os.WriteFile(filepath.Join(root, "etc/apt/sources.list"), []byte("# none\n"), 0o644)
		},
		Postprocess: []assemble.Script{{Name: "plain", Text: "echo $SOURCE_DATE_EPOCH >/usr/share/plain"}, {Name: "shebang", Text: "#!/usr/bin/perl\nmkdir '/usr/share/perl-was-here';"}},
		ExcludeDocs: true,
		Report: func(p assemble.Progress) {
			if d := time.Since(last); d > time.Second {
				slow = append(slow, d.Round(time.Millisecond).String()+" before "+p.Item)
			}
			last = time.Now()
		},
	}
	result, err := assemble.Build(t.Context(), in)
	require.NoError(t, err)
	t.Log(strings.Join(slow, "\n"))
	intact(t, repo)
	kernel := result.Kernel
	require.NotEmpty(t, kernel)
	require.NotEmpty(t, file(t, repo, result.Commit, "usr/lib/modules/"+kernel+"/vmlinuz"))
	first := file(t, repo, result.Commit, "usr/lib/modules/"+kernel+"/initramfs.img")
	require.Equal(t, "\x28\xb5\x2f\xfd", first[:4], "zstd")
	require.Equal(t, "1700000000\n", file(t, repo, result.Commit, "usr/share/plain"))
	require.Equal(t, "# none\n", file(t, repo, result.Commit, "usr/etc/apt/sources.list"))
	require.Contains(t, file(t, repo, result.Commit, "usr/etc/ssh/sshd_config"), "PermitRootLogin yes", "preseed")
	require.Empty(t, file(t, repo, result.Commit, "usr/share/man/man1/ls.1.gz"))
	require.NotEmpty(t, file(t, repo, result.Commit, "usr/share/doc/coreutils/copyright"))
	links := list(t, repo, result.Commit, "usr/etc/systemd/system", "usr/etc/systemd/system/multi-user.target.wants")
	require.Contains(t, links, "default.target")
	require.Contains(t, links, "systemd-networkd.service")
	commit, err := repo.LoadCommit(t.Context(), result.Commit)
	require.NoError(t, err)
	for _, key := range []string{"ostree.bootable", "ostree.linux", "apt-ostree.pkglist"} {
		_, ok := commit.Metadata.Lookup(key)
		require.True(t, ok, key)
	}

	t.Run("again with its own ids", func(t *testing.T) {
		seeded := in
		seeded.Report, seeded.Repo = nil, newRepo(t, ostree.ModeBare)
		seeded.Seed, err = repo.FS(t.Context(), result.Commit)
		require.NoError(t, err)
		again, err := assemble.Build(t.Context(), seeded)
		require.NoError(t, err)
		require.Equal(t, result.Tree, again.Tree)
		require.Equal(t, result.Commit, again.Commit)
	})
	b := base{commit: result.Commit, tree: result.Tree, installed: result.Packages}
	t.Run("layer without initramfs", func(t *testing.T) {
		layered, err := layer(t, repo, b, nil, apttest.Deb{Package: "plain", Files: []apttest.File{{Path: "usr/share/plain2", Content: "x"}}})
		require.NoError(t, err)
		require.Equal(t, first, file(t, repo, layered.Commit, "usr/lib/modules/"+kernel+"/initramfs.img"))
	})
	t.Run("layer with initramfs", func(t *testing.T) {
		layered, err := layer(t, repo, b, nil, apttest.Deb{
			Package: "wants-initramfs", Files: []apttest.File{{Path: "usr/share/doc/x", Content: "x"}},
			Scripts: map[string]string{"postinst": "command -v update-initramfs && update-initramfs -u"},
		}, apttest.Deb{
			Package: "modprobe-conf", Files: []apttest.File{{Path: "usr/lib/modprobe.d/blacklist-x.conf", Content: "blacklist x\n"}},
		})
		require.NoError(t, err)
		same := first == file(t, repo, layered.Commit, "usr/lib/modules/"+kernel+"/initramfs.img")
		require.False(t, same, "the initramfs must have the configuration of the layered package")
		intact(t, repo)
	})
	t.Run("another kernel", func(t *testing.T) {
		other := debianSet(t, "linux-image-amd64")
		other.packages = slices.DeleteFunc(other.packages, func(p *apt.Package) bool { return !strings.HasPrefix(p.Name, "linux-image-") })
		layered, err := layer(t, repo, b, func(in *assemble.Input) {
			in.Batches, in.Debs = other.batches(t, b.installed...), other.debs
			in.Purge = []string{"linux-image-cloud-amd64", "linux-image-" + kernel}
		})
		require.NoError(t, err)
		require.Equal(t, []string{layered.Kernel}, list(t, repo, layered.Commit, "usr/lib/modules"))
		require.NotEqual(t, kernel, layered.Kernel)
		require.NotEqual(t, first, file(t, repo, layered.Commit, "usr/lib/modules/"+layered.Kernel+"/initramfs.img"))
		require.NotEmpty(t, file(t, repo, layered.Commit, "usr/lib/modules/"+layered.Kernel+"/vmlinuz"))
		intact(t, repo)
	})
}

func list(t *testing.T, repo *ostree.Repo, c ostree.Checksum, dirs ...string) []string {
	t.Helper()
	commit, err := repo.LoadCommit(t.Context(), c)
	require.NoError(t, err)
	tree, err := repo.LoadTree(t.Context(), commit.Tree)
	require.NoError(t, err)
	var all []string
	for _, dir := range dirs {
		entries, err := tree.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			all = append(all, e.Name)
		}
	}
	return all
}
