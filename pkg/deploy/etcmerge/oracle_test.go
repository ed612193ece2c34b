package etcmerge_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
)

// The ostree tool is the oracle: it deploys one commit, the configuration is changed, it deploys
// the next one. Merging the same three trees here must give the same /etc, or fail as well.
func TestMergeLikeOstree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"), testenv.Tool("cp"))
	for name, c := range mergeCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "a link out of the tree is not followed" {
				return // ostree follows it and writes to the host's /tmp.
			}
			compareWithOstree(t, c.old, c.local, c.next)
		})
	}
	seeds := uint64(12)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("random %d", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			old := randomTree(r, nil)
			local, next := randomTree(r, old), randomTree(r, old)
			compareWithOstree(t, strings.Join(old, "\n"), strings.Join(local, "\n"), strings.Join(next, "\n"))
		})
	}
}

func compareWithOstree(t *testing.T, old, local, next string) {
	t.Helper()
	dir := memoryDir(t)
	sysroot := filepath.Join(dir, "sysroot")
	run := func(name string, args ...string) (string, error) {
		out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	must := func(name string, args ...string) {
		out, err := run(name, args...)
		require.NoError(t, err, out)
	}
	must("mkdir", sysroot)
	must("ostree", "admin", "init-fs", sysroot)
	must("ostree", "admin", "os-init", "os", "--sysroot="+sysroot)
	for branch, tree := range map[string]string{"old": old, "next": next} {
		root := filepath.Join(dir, branch)
		build(t, root, "f 644 usr/lib/modules/1/vmlinuz k\nf 644 usr/lib/os-release ID=x\nd 755 usr/etc")
		build(t, filepath.Join(root, "usr/etc"), tree)
		must("ostree", "--repo="+sysroot+"/ostree/repo", "commit", "-b", branch, "--tree=dir="+root)
	}
	must("ostree", "admin", "deploy", "--sysroot="+sysroot, "--os=os", "--karg=root=x", "old")
	first := onlyDeployment(t, sysroot, "")
	entries, err := os.ReadDir(first + "/etc")
	require.NoError(t, err)
	for _, e := range entries {
		require.NoError(t, os.RemoveAll(filepath.Join(first, "etc", e.Name())))
	}
	build(t, first+"/etc", local)

	mine := filepath.Join(dir, "mine")
	must("cp", "-a", filepath.Join(dir, "next", "usr/etc"), mine)
	report, mineErr := etcmerge.Merge(t.Context(), etcmerge.Trees{Old: first + "/usr/etc", Local: first + "/etc", New: mine})
	out, theirErr := run("ostree", "admin", "deploy", "--sysroot="+sysroot, "--os=os", "next")
	if theirErr != nil && strings.Contains(out, "unlinkat") {
		return // It cannot remove a file whose directory has become a file.
	}
	require.Equal(t, theirErr == nil, mineErr == nil, "mine: %v\ntheirs: %s", mineErr, out)
	if theirErr != nil {
		return
	}
	require.Equal(t, list(t, onlyDeployment(t, sysroot, first)+"/etc", true), list(t, mine, true))
	require.Contains(t, out, fmt.Sprintf("Copying /etc changes: %d modified, %d removed, %d added",
		report.Count(etcmerge.Modified), report.Count(etcmerge.Removed), report.Count(etcmerge.Added)))
}

// memoryDir is a temporary directory, in memory if possible: the tool syncs a lot.
func memoryDir(t *testing.T) string {
	t.Helper()
	parent := "/dev/shm"
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		parent = ""
	}
	dir, err := os.MkdirTemp(parent, "etcmerge-test-") //nolint:usetesting // t.TempDir cannot remove immutable files
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, fsx.RemoveAll(dir)) })
	return dir
}

// onlyDeployment returns the deployment directory that is not the other one.
func onlyDeployment(t *testing.T, sysroot, other string) string {
	t.Helper()
	found, err := filepath.Glob(sysroot + "/ostree/deploy/os/deploy/*.0")
	require.NoError(t, err)
	for _, dir := range found {
		if dir != other {
			return dir
		}
	}
	t.Fatal("no deployment")
	return ""
}

// randomTree makes a tree of few names, so that trees meet; with a start it changes some of it.
func randomTree(r *rand.Rand, start []string) []string {
	used := map[string]string{}
	for _, line := range start {
		f := strings.Fields(line)
		if r.IntN(4) == 0 {
			continue
		}
		used[nameOf(f)] = line
	}
	for range 10 {
		depth := 1 + r.IntN(3)
		parts := make([]string, depth)
		for i := range parts {
			parts[i] = string(rune('a' + r.IntN(3)))
		}
		name := strings.Join(parts, "/")
		switch r.IntN(5) {
		case 0:
			used[name] = fmt.Sprintf("d %s %s", []string{"755", "700"}[r.IntN(2)], name)
		case 1:
			used[name] = "l " + name + " target" + string(rune('0'+r.IntN(2)))
		default:
			used[name] = fmt.Sprintf("f %s %s %d", []string{"644", "600"}[r.IntN(2)], name, r.IntN(3))
		}
	}
	return consistent(used)
}

func nameOf(fields []string) string {
	if fields[0] == "l" {
		return fields[1]
	}
	return fields[2]
}

// consistent drops entries below what is not a directory.
func consistent(used map[string]string) []string {
	var out []string
	for name, line := range used {
		ok := true
		for dir := filepath.Dir(name); dir != "."; dir = filepath.Dir(dir) {
			if parent, exists := used[dir]; exists && parent[0] != 'd' {
				ok = false
			}
		}
		if ok {
			out = append(out, line)
		}
	}
	slices.Sort(out)
	return out
}
