package selinux_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/selinux"
)

// types are those of matchpathcon -m.
var types = map[string]uint32{
	"file": unix.S_IFREG, "dir": unix.S_IFDIR, "lnk_file": unix.S_IFLNK, "chr_file": unix.S_IFCHR,
	"blk_file": unix.S_IFBLK, "pipe": unix.S_IFIFO, "sock_file": unix.S_IFSOCK,
}

// compare asks libselinux for the label of each path as each type of file.
func compare(t *testing.T, root, policy string, paths []string) {
	t.Helper()
	p, err := selinux.Open(root)
	require.NoError(t, err)
	for name, mode := range types {
		for chunk := range chunks(paths, 4000) {
			args := append([]string{"-n", "-N", "-P", filepath.Join(root, "etc/selinux", policy), "-m", name}, chunk...)
			cmd := exec.CommandContext(t.Context(), "matchpathcon", args...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			require.NoError(t, err, "%s", &stderr)
			want := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
			require.Len(t, want, len(chunk))
			for i, path := range chunk {
				got, err := p.Label(path, mode)
				require.NoError(t, err)
				if got == "" {
					got = "<<none>>"
				}
				require.Equal(t, want[i], got, "%s %s", name, path)
			}
		}
	}
}

func chunks(all []string, size int) func(func([]string) bool) {
	return func(yield func([]string) bool) {
		for len(all) > 0 {
			n := min(size, len(all))
			if !yield(all[:n]) {
				return
			}
			all = all[n:]
		}
	}
}

func TestLabelsAreThoseOfLibselinux(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("matchpathcon"))
	root := t.TempDir()
	for name, file := range testFS(enabled, map[string]string{
		files + ".homedirs": "/home/[^/]+/\\.ssh(/.*)?\tssh_t\n", files + ".local": "/usr/bin/local.*\tlocal_t\n/usr/lib/x[ab]+|/b$\tor_t\n",
		files + ".subs": "/local /usr/local\n/root /\n", files + ".subs_dist": "/usr/local /usr\n/lib /usr/lib\n/lib/keep /keep\n",
	}) {
		name = filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, file.Data, 0o600))
	}
	compare(t, root, "test", []string{
		"/", "//", "/what", "/usr", "/usr/", "//usr//lib/", "/usr/bin", "/usr/bin/su", "/usr/bin/x.real", "/usr/bin/exact.real", "/usr/bin/xy", "/usr/bin/y",
		"/usr/bin/ü", "/usr/bin/üx.real", "/usr/bin/\xff", "/dev/null", "/dev/sda", "/run/x", "/mnt", "/tmp", "/tmp/x", "/either", "/either/below", "/above/or", "/or/x",
		"/odd-stem/x", `/odd\-stem/x`, "/srv/www", "/srv/a/b/www/c", "/srv/awww", "/home/joe/.ssh", "/home/joe/.sshx", "/usr/bin/localized", "/local", "/local/bin/su",
		"/root", "/root/dev/null", "/root/", "/lib", "/lib/x", "/lib/keep/x", "/lib/keep", "/library", "/usr/local/bin/su", "/usr/lib/xab", "/usr/lib/xabc", "/q/b", "/q/bc", "/b",
	})
}

// TestLabelsOfARealPolicy compares every path that a pattern of Debian's policy
// suggests, and files of this machine.
func TestLabelsOfARealPolicy(t *testing.T) {
	t.Parallel()
	testenv.Integration(t, testenv.Tool("matchpathcon"), testenv.File("/etc/selinux/default/contexts/files/file_contexts"))
	root := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(root, "etc/selinux/default"), os.DirFS("/etc/selinux/default")))
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc/selinux/config"), []byte("SELINUX=enforcing\nSELINUXTYPE=default\n"), 0o600))
	var paths []string
	for _, name := range []string{"", ".homedirs", ".subs_dist"} {
		data, err := os.ReadFile("/etc/selinux/default/contexts/files/file_contexts" + name)
		require.NoError(t, err)
		for line := range strings.Lines(string(data)) {
			if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[0], "/") {
				paths = append(paths, suggest(fields[0])...)
			}
		}
	}
	paths = slices.DeleteFunc(paths, func(p string) bool { return p == "/proc" }) // see Policy.Label
	n := len(paths)
	require.NoError(t, filepath.WalkDir("/usr", func(p string, _ fs.DirEntry, err error) error {
		if len(paths) < n+5000 && !strings.Contains(p, "\n") {
			paths = append(paths, p)
		}
		return err
	}))
	t.Logf("%d paths from patterns, %d files", n, len(paths)-n)
	compare(t, root, "default", paths)
}

// suggest turns a pattern into paths that may match it.
func suggest(pattern string) []string {
	text := regexp.MustCompile(`\(/\.\*\)\?|\.\*|\[[^\]]*\][+*]?|\\`).ReplaceAllStringFunc(pattern, func(s string) string {
		return map[byte]string{'(': "/sub/x", '.': "any", '[': "c", '\\': ""}[s[0]]
	})
	bare := regexp.MustCompile(`\(([^()|]*)[^()]*\)[?*+]?`).ReplaceAllString(text, "$1")
	bare = strings.NewReplacer("?", "", "+", "", "*", "").Replace(bare)
	return []string{bare, bare + "/deeper", bare + ".old", strings.TrimSuffix(bare, "/sub/x")}
}
