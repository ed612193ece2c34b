package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// ostreeTool runs the real tool and returns what it says.
func ostreeTool(t testing.TB, args ...string) string {
	t.Helper()
	out, err := tryOstree(t, args...)
	require.NoError(t, err, "ostree %s: %s", strings.Join(args, " "), out)
	return out
}

func tryOstree(t testing.TB, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ostree", args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// tempDir is t.TempDir for sysroots, whose deployments are immutable. It is in memory if it can be,
// since the tool cannot be told not to sync.
func tempDir(t testing.TB) string {
	t.Helper()
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() {
		return tempDirIn(t, memory)
	}
	return tempDirIn(t, "")
}

func tempDirIn(t testing.TB, parent string) string {
	t.Helper()
	dir, err := os.MkdirTemp(parent, "deploy-test-") //nolint:usetesting // t.TempDir cannot remove immutable files
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, fsx.RemoveAll(dir)) })
	return dir
}

// options are those of most tests: nothing booted, no syncing, entries named as the tool at hand
// does.
func options(t testing.TB) deploy.Options {
	t.Helper()
	run := t.TempDir()
	return deploy.Options{RunDir: run, NoSync: true, Repo: ostree.Options{NoSync: true}, EntryNames: toolEntryNames(t)}
}

// toolEntryNames tells how the installed ostree names boot entries.
func toolEntryNames(t testing.TB) deploy.EntryNames {
	t.Helper()
	testenv.Need(t, testenv.Tool("ostree"))
	names, err := askEntryNames()
	require.NoError(t, err)
	return names
}

// askEntryNames asks the tool, once for all tests.
var askEntryNames = sync.OnceValues(func() (deploy.EntryNames, error) {
	out, err := exec.Command("ostree", "--version").CombinedOutput()
	version := regexp.MustCompile(`Version: '(\d+)\.(\d+)'`).FindStringSubmatch(string(out))
	switch {
	case err != nil:
		return 0, fmt.Errorf("ostree --version: %w: %s", err, out)
	case version == nil:
		return 0, fmt.Errorf("ostree --version says %q", out)
	case len(version[2]) == 1:
		version[2] = "0" + version[2]
	}
	if version[1]+version[2] >= "202405" {
		return deploy.NamesShort, nil
	}
	return deploy.NamesWithStateroot, nil
})

// newSysroot makes a sysroot with a stateroot "os".
func newSysroot(t testing.TB) *deploy.Sysroot {
	t.Helper()
	return newSysrootWith(t, options(t))
}

func newSysrootWith(t testing.TB, opts deploy.Options) *deploy.Sysroot {
	t.Helper()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"))
	s, err := deploy.Init(filepath.Join(tempDir(t), "sysroot"), deploy.InitOptions{Options: opts})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.InitStateroot(t.Context(), "os"))
	return s
}

// tree describes a commit; files are "PATH" to content, a content of "->X" is a link, a path that
// ends in a slash a directory.
type tree map[string]string

// bootable is the smallest tree that can be deployed, with changes.
func bootable(changes tree) tree {
	files := tree{
		"usr/lib/modules/6.1.0/vmlinuz":       "kernel",
		"usr/lib/modules/6.1.0/initramfs.img": "initramfs",
		"usr/lib/os-release":                  "ID=os\nPRETTY_NAME=\"Test OS 1\"\n",
		"usr/etc/a.conf":                      "default",
		"usr/etc/d/b.conf":                    "default",
		"usr/bin/program":                     "#!",
		"usr/lib/empty":                       "",
		"usr/bin/link":                        "->program",
		"var/":                                "",
		"sysroot/":                            "",
		"ostree":                              "->sysroot/ostree",
	}
	for name, text := range changes {
		if text == "-" {
			delete(files, name)
			continue
		}
		files[name] = text
	}
	return files
}

// commitTree commits with the real tool and returns the checksum.
func commitTree(t testing.TB, repo, branch string, files tree, args ...string) ostree.Checksum {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		switch {
		case strings.HasSuffix(name, "/"):
			require.NoError(t, os.MkdirAll(path, 0o755))
			continue
		default:
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		}
		if target, ok := strings.CutPrefix(text, "->"); ok {
			require.NoError(t, os.Symlink(target, path))
			continue
		}
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	args = append([]string{"--repo=" + repo, "commit", "--branch=" + branch, "--tree=dir=" + dir, "--no-xattrs",
		"--owner-uid=0", "--owner-gid=0", "--timestamp=@1000000000"}, args...)
	c, err := ostree.ParseChecksum(ostreeTool(t, args...))
	require.NoError(t, err)
	return c
}

// commit makes a bootable commit with a version and, optionally, other files. Unlike commitTree it starts no program,
// since nearly every test begins with several of them.
func commit(t testing.TB, s *deploy.Sysroot, version string, changes tree) ostree.Checksum {
	t.Helper()
	files := bootable(changes)
	if files["usr/version"] == "" {
		files["usr/version"] = version
	}
	var c ostree.Checksum
	require.NoError(t, s.Repo().Update(t.Context(), func(w *ostree.Writer) error {
		id, err := files.write(t.Context(), w)
		if err != nil {
			return err
		}
		c, err = w.WriteCommit(t.Context(), ostree.Commit{
			Metadata:  ostree.Metadata{{Key: ostree.MetadataVersion, Value: gvariant.String(version)}},
			Timestamp: time.Unix(1000000000, 0), Tree: id,
		})
		if err != nil {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: "branch/" + version}, c)
	}))
	return c
}

// write makes the objects of a tree, all owned by root and with usual modes.
func (files tree) write(ctx context.Context, w *ostree.Writer) (ostree.TreeID, error) {
	dir := ostree.DirMeta{Mode: unix.S_IFDIR | 0o755}
	out := ostree.NewTree(dir)
	for name, text := range files {
		if name, isDir := strings.CutSuffix(name, "/"); isDir {
			if err := out.MkdirAll(name, dir); err != nil {
				return ostree.TreeID{}, err
			}
			continue
		}
		fi := ostree.FileInfo{Mode: unix.S_IFREG | 0o644, Size: int64(len(text))}
		if target, ok := strings.CutPrefix(text, "->"); ok {
			fi, text = ostree.FileInfo{Mode: unix.S_IFLNK | 0o777, Target: target}, ""
		}
		c, err := w.WriteFile(ctx, fi, strings.NewReader(text))
		if err != nil {
			return ostree.TreeID{}, err
		}
		if err := errors.Join(out.MkdirAll(path.Dir(name), dir), out.SetFile(name, c)); err != nil {
			return ostree.TreeID{}, err
		}
	}
	return w.WriteTree(ctx, out)
}

// mustDeploy deploys a commit that follows the branch it was made on.
func mustDeploy(t testing.TB, s *deploy.Sysroot, c ostree.Checksum, opts deploy.DeployOptions) *deploy.Deployment {
	t.Helper()
	d, err := s.Deploy(t.Context(), c, origin.New("branch"), opts)
	require.NoError(t, err)
	return d
}

func deployments(t testing.TB, s *deploy.Sysroot) []deploy.Deployment {
	t.Helper()
	list, err := s.Deployments(t.Context())
	require.NoError(t, err)
	return list
}

// names are the deployments as short text.
func versions(list []deploy.Deployment) []string {
	var out []string
	for _, d := range list {
		out = append(out, d.Version)
	}
	return out
}

// statusOf prints a list as "ostree admin status" prints it.
func statusOf(list []deploy.Deployment) string {
	if len(list) == 0 {
		return "No deployments."
	}
	var out strings.Builder
	for _, d := range list {
		mark, around := " ", ""
		switch {
		case d.Booted:
			mark = "*"
		case d.Staged:
			around = " (staged)"
		case d.Pending:
			around = " (pending)"
		case d.Rollback:
			around = " (rollback)"
		}
		fmt.Fprintf(&out, "%s %s %s%s\n", mark, d.Stateroot, d.Name(), around)
		if d.Version != "" {
			fmt.Fprintf(&out, "    Version: %s\n", d.Version)
		}
		if d.Pinned {
			fmt.Fprintf(&out, "    Pinned: yes\n")
		}
		switch {
		case d.Origin == nil:
			fmt.Fprintf(&out, "    origin: none\n")
		case d.Origin.Refspec == "" || d.Origin.Layered():
			fmt.Fprintf(&out, "    origin: <unknown origin type>\n")
		default:
			fmt.Fprintf(&out, "    origin refspec: %s\n", d.Origin.Refspec)
		}
	}
	return strings.TrimSpace(out.String())
}

// requireAgreement makes sure that the tool sees the same deployments and a repository that is whole.
func requireAgreement(t testing.TB, s *deploy.Sysroot) {
	t.Helper()
	require.Equal(t, ostreeTool(t, "admin", "status", "--sysroot="+s.Path()), statusOf(deployments(t, s)))
	for _, d := range deployments(t, s) {
		require.NoError(t, complete(d))
	}
}

// complete reports what a deployment lacks to boot.
func complete(d deploy.Deployment) error {
	for _, name := range []string{"etc/a.conf", "usr/etc/a.conf", "usr/bin/program", "usr/lib/os-release"} {
		if _, err := os.Lstat(filepath.Join(d.Path, name)); err != nil {
			return err
		}
	}
	boot := filepath.Join(d.Path, "../../../../../boot/ostree", d.Stateroot+"-"+d.BootChecksum)
	files, err := os.ReadDir(boot)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%s is empty", boot)
	}
	return nil
}

// layout lists everything but objects, with modes, owners, link targets, contents outside of
// deployments and what the tool at hand does not know yet left out.
func layout(t testing.TB, root string) []string {
	t.Helper()
	var lines []string
	skip := regexp.MustCompile(`^ostree/(repo/(objects|tmp|\.lock|config|state|extensions)|deploy/[^/]+/(backing|var))(/|$)`)
	require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		require.NoError(t, err)
		name, err := filepath.Rel(root, path)
		require.NoError(t, err)
		if skip.MatchString(name) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		st, err := fsx.StatAt(-100, path)
		require.NoError(t, err)
		line := fmt.Sprintf("%06o %d:%d %s", st.Mode, st.Uid, st.Gid, name)
		switch e.Type() {
		case fs.ModeSymlink:
			target, err := os.Readlink(path)
			require.NoError(t, err)
			line += " -> " + target
		case 0:
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			line += fmt.Sprintf(" %q", data)
		}
		lines = append(lines, line)
		return nil
	}))
	slices.Sort(lines)
	return lines
}

// refs lists the refs of a repository.
func refs(t testing.TB, repo string) map[string]string {
	t.Helper()
	r, err := ostree.Open(repo, ostree.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	all, err := r.Refs(t.Context(), "")
	require.NoError(t, err)
	out := make(map[string]string)
	for ref, c := range all {
		out[ref.String()] = c.String()
	}
	return out
}

// entries returns the boot entries in effect, by file name.
func entries(t testing.TB, root string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(root + "/boot/loader/entries/*")
	require.NoError(t, err)
	out := make(map[string]string)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		out[filepath.Base(file)] = string(data)
	}
	return out
}

// normalEntries sorts the lines of boot entries: the tool writes keys it does not know in no order.
func normalEntries(t testing.TB, root string) map[string][]string {
	t.Helper()
	out := make(map[string][]string)
	for name, text := range entries(t, root) {
		lines := strings.Split(text, "\n")
		slices.Sort(lines)
		out[name] = lines
	}
	return out
}

// recordingLoader is a boot loader that notes what it is told.
type recordingLoader struct {
	calls []string
	last  bootloader.Config
}

func (*recordingLoader) Name() string { return "recording" }

func (r *recordingLoader) Write(_ context.Context, c bootloader.Config) error {
	return r.note("write", c)
}

func (r *recordingLoader) Finish(_ context.Context, c bootloader.Config) error {
	return r.note("finish", c)
}

func (r *recordingLoader) note(what string, c bootloader.Config) error {
	r.calls = append(r.calls, fmt.Sprintf("%s %d entries for loader.%d", what, len(c.Entries), c.Version))
	r.last = c
	return nil
}

// bootName is the name of a boot entry.
func bootName(version int, stateroot string) string {
	return bootentry.Name{Version: version, Stateroot: stateroot}.String()
}

func sameDevice(t testing.TB, a, b string) bool {
	t.Helper()
	x, err := fsx.StatAt(-100, a)
	require.NoError(t, err)
	y, err := fsx.StatAt(-100, b)
	require.NoError(t, err)
	return x.Dev == y.Dev
}
