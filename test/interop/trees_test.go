package interop_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/test/peer"
)

// A packageSet is what one tree is unpacked from.
type packageSet struct {
	name     string
	packages []string
	// scratch says that a delta from nothing is made too, which takes long for a large tree.
	scratch bool
}

func packageSets() []packageSet {
	return []packageSet{
		{"shell", []string{"bash", "coreutils", "util-linux", "mount", "passwd", "login"}, false}, // setuid and setgid programs
		{"git", []string{"git", "git-man"}, false},                                                // a hundred hard links
		{"perl", []string{"perl", "perl-base"}, false},
		{"certificates", []string{"ca-certificates", "openssl", "libssl3"}, true}, // names beyond ASCII
		{"clock", []string{"tzdata", "libc-bin", "libc6", "locales"}, false},
		{"systemd", []string{"systemd", "systemd-sysv", "udev", "libsystemd0", "dbus-daemon", "dbus"}, false},
		{"python", []string{"python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib"}, false},
		{"network", []string{"iproute2", "iputils-ping", "openssh-client", "curl", "sudo"}, true},
		{"mail", []string{"postfix", "exim4-daemon-light", "exim4-base", "cron"}, true}, // owners other than root
		{"manuals", []string{"man-db", "manpages", "groff-base", "vim-tiny", "vim-common", "nano"}, false},
	}
}

// download fetches all packages once, into a directory that other runs find again.
func download(t *testing.T) string {
	t.Helper()
	cache := filepath.Join(os.TempDir(), "apt-ostree-e2e-cache", "debs")
	require.NoError(t, os.MkdirAll(cache, 0o755))
	var missing []string
	for _, set := range packageSets() {
		for _, name := range set.packages {
			if found, err := filepath.Glob(filepath.Join(cache, name+"_*.deb")); err != nil || len(found) == 0 {
				missing = append(missing, name)
			}
		}
	}
	if len(missing) == 0 {
		return cache
	}
	config := aptConfig(t)
	for _, args := range [][]string{{"update"}, append([]string{"download"}, missing...)} {
		cmd := exec.CommandContext(t.Context(), "apt-get", append([]string{"-qq"}, args...)...)
		cmd.Dir, cmd.Env = cache, append(os.Environ(), "APT_CONFIG="+config)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	return cache
}

// aptConfig makes an APT of its own that reads the machine's sources.
func aptConfig(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	sources, err := peer.MachineSources("bookworm")
	require.NoError(t, err)
	for _, sub := range []string{"etc/apt.conf.d", "etc/preferences.d", "etc/sources.list.d", "lists/partial", "cache/archives/partial"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, sub), 0o755))
	}
	for name, text := range map[string]string{
		"etc/sources.list.d/machine.sources": string(sources),
		"status":                             "",
		"apt.conf": fmt.Sprintf(`Dir::Etc "%[1]s/etc"; Dir::State "%[1]s"; Dir::Cache "%[1]s/cache"; Dir::State::status "%[1]s/status";
Acquire::Languages "none"; APT::Sandbox::User "root";
`, dir),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return filepath.Join(dir, "apt.conf")
}

func unpack(t *testing.T, debs string, packages []string, tree string) {
	t.Helper()
	require.NoError(t, os.Mkdir(tree, 0o755))
	for _, name := range packages {
		found, err := filepath.Glob(filepath.Join(debs, name+"_*.deb"))
		require.NoError(t, err)
		require.NotEmpty(t, found, name)
		out, err := exec.CommandContext(t.Context(), "dpkg-deb", "--extract", found[len(found)-1], tree).CombinedOutput()
		require.NoError(t, err, "%s: %s", name, out)
	}
}

// decorate adds what packages seldom have.
func decorate(t *testing.T, tree string) {
	t.Helper()
	odd := filepath.Join(tree, "odd")
	require.NoError(t, os.MkdirAll(filepath.Join(odd, "sticky"), 0o755))
	require.NoError(t, unix.Chmod(filepath.Join(odd, "sticky"), 0o1777))
	file := func(name, content string, mode uint32, owner int) string {
		path := filepath.Join(odd, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		require.NoError(t, os.Lchown(path, owner, owner))
		require.NoError(t, unix.Chmod(path, mode))
		return path
	}
	file("setuid", "x", 0o4755, 0)
	file("setgid", "x", 0o2755, 42)
	file("nobody reads this", "x", 0, 1000)
	file("empty", "", 0o644, 0)
	file("naïve café", "x", 0o644, 0)
	file("ファイル\nof two lines", "x", 0o644, 0)
	file(strings.Repeat("ż", 127), "x", 0o644, 0)
	linked := file("linked", "one file with two names", 0o644, 0)
	require.NoError(t, os.Link(linked, filepath.Join(odd, "linked too")))
	require.NoError(t, os.Symlink("/nowhere/…", filepath.Join(odd, "dangling")))
	require.NoError(t, os.Lchown(filepath.Join(odd, "dangling"), 1000, 1000))

	attrs := file("attributes", "x", 0o755, 0)
	for name, value := range map[string]string{
		"user.z": "last", "user.a": "first", "user.empty": "", "trusted.t": "\x00\xff",
		// cap_net_raw=ep, as setcap writes it
		"security.capability": "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	} {
		require.NoError(t, unix.Setxattr(attrs, name, []byte(value), 0))
	}
	require.NoError(t, unix.Setxattr(odd, "user.of-a-directory", []byte("yes"), 0))
}

// upgrade copies a tree and changes some files.
func upgrade(t *testing.T, tree, next string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "cp", "--archive", tree, next).CombinedOutput()
	require.NoError(t, err, "%s", out)
	n := 0
	require.NoError(t, filepath.WalkDir(next, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		n++
		switch n % 20 {
		case 0:
			return os.Remove(path)
		case 1, 2:
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			at := len(data) / 2
			return os.WriteFile(path, append(data[:at:at], append([]byte("changed"), data[at:]...)...), 0o600)
		}
		return nil
	}))
}

func makeDevice(t *testing.T, path string) {
	t.Helper()
	require.NoError(t, unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
}

// A signingKey is an OpenPGP key made for the test.
type signingKey struct{ home, id, public string }

func makeKey(t *testing.T) signingKey {
	t.Helper()
	// The path of gpg's socket is short, whatever the directory of the test is.
	home, err := os.MkdirTemp("/tmp", "gpg-") //nolint:usetesting // t.TempDir is too long a path for it
	require.NoError(t, err)
	gpg := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), "gpg", append([]string{"--homedir=" + home, "--batch", "--quiet"}, args...)...).Output()
		require.NoError(t, err)
		return string(out)
	}
	t.Cleanup(func() {
		// The agent ends when its directory is gone.
		require.NoError(t, os.RemoveAll(home))
	})
	gpg("--passphrase=", "--quick-generate-key", "tester@archive.example", "rsa2048", "sign", "never")
	key := signingKey{home: home, public: filepath.Join(home, "public.gpg")}
	for line := range strings.Lines(gpg("--list-keys", "--with-colons")) {
		if fields := strings.Split(line, ":"); fields[0] == "fpr" {
			key.id = fields[9]
		}
	}
	gpg("--output="+key.public, "--export")
	return key
}
