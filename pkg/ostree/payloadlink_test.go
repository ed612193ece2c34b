package ostree_test

import (
	"crypto/rand"
	"crypto/sha256"
	"maps"
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
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// cloneMount mounts a file system whose files can share blocks.
func cloneMount(t *testing.T) string {
	t.Helper()
	testenv.Need(t, testenv.Root, testenv.Loop, testenv.Tool("mkfs.btrfs"), testenv.Tool("mount"))
	dir := t.TempDir()
	image, mount := filepath.Join(dir, "image"), filepath.Join(dir, "mount")
	require.NoError(t, os.WriteFile(image, nil, 0o600))
	require.NoError(t, os.Truncate(image, 256<<20))
	require.NoError(t, os.Mkdir(mount, 0o755))
	for _, argv := range [][]string{{"mkfs.btrfs", "-q", image}, {"mount", "-o", "loop", image, mount}} {
		out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput()
		require.NoError(t, err, "%v: %s", argv, out)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(mount, unix.MNT_DETACH)) })
	return mount
}

// payloadRepo makes a repository that links payloads of at least 4 bytes.
func payloadRepo(t *testing.T, dir string, mode ostree.Mode, threshold string) *ostree.Repo {
	t.Helper()
	path := filepath.Join(dir, "repo-"+rand.Text())
	r, err := ostree.Init(path, mode, fastOptions)
	require.NoError(t, err)
	require.NoError(t, r.SetConfigValue("core", "payload-link-threshold", threshold))
	require.NoError(t, r.Close())
	r, err = ostree.Open(path, fastOptions)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// payloadLinks lists links, with the checksum in their names and their targets.
func payloadLinks(t *testing.T, r *ostree.Repo) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(r.Path(), "objects/*/*.payload-link"))
	require.NoError(t, err)
	links := map[string]string{}
	for _, p := range paths {
		target, err := os.Readlink(p)
		require.NoError(t, err)
		links[filepath.Base(filepath.Dir(p))+strings.TrimSuffix(filepath.Base(p), ".payload-link")] = target
	}
	return links
}

// firstBlock is where the content of a file begins on the disk.
func firstBlock(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.Sync()) // it has no place before
	out, err := exec.CommandContext(t.Context(), "filefrag", "-v", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	extent := regexp.MustCompile(`(?m)^ +0: +0\.\. *\d+: +(\d+)\.\.`).FindSubmatch(out)
	require.NotNil(t, extent, "%s", out)
	return string(extent[1])
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

func keysOf(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func payloadTree() ostreetest.Tree {
	large := strings.Repeat("0123456789abcdef", 1<<16)
	return ostreetest.Tree{
		"a":     ostreetest.File(large),
		"b":     ostreetest.File(large).Perm(0o600),
		"c":     ostreetest.File(large[:8<<10]),
		"d":     ostreetest.File(large[:8<<10]).Perm(0o755),
		"small": ostreetest.File("few"),
		"link":  ostreetest.Link("small"),
	}
}

func TestPayloadLinksAreThoseOfOstree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("ostree"), testenv.Tool("filefrag"))
	mount := cloneMount(t)
	for _, mode := range []ostree.Mode{ostree.ModeBare, ostree.ModeBareUser, ostree.ModeBareUserOnly, ostree.ModeArchive} {
		dir := filepath.Join(mount, "tree-"+mode.String())
		require.NoError(t, os.Mkdir(dir, 0o755))
		ostreetest.Write(t, dir, payloadTree())
		theirs, ours := payloadRepo(t, mount, mode, "4"), payloadRepo(t, mount, mode, "4")
		ostreetest.CLI(t, theirs, "commit", "--branch=main", "--subject=subj", "--timestamp=@1700000000", "--tree=dir="+dir)
		c := commitDir(t, ours, dir)
		want, got := payloadLinks(t, theirs), payloadLinks(t, ours)
		if mode != ostree.ModeBareUserOnly { // there libostree makes links only when it pulls
			require.Equal(t, keysOf(want), keysOf(got), mode)
		}
		if mode == ostree.ModeArchive {
			require.Empty(t, got)
			continue
		}
		require.Len(t, got, 2)
		for sum, target := range got {
			data, err := os.ReadFile(filepath.Join(ours.Path(), "objects/00", target))
			require.NoError(t, err)
			require.Equal(t, sum, ostree.Checksum(sha256.Sum256(data)).String())
		}
		for _, pair := range [][2]string{{"/a", "/b"}, {"/c", "/d"}} {
			one, other := objectFile(ours, fileObject(t, ours, c, pair[0])), objectFile(ours, fileObject(t, ours, c, pair[1]))
			require.Equal(t, firstBlock(t, one), firstBlock(t, other), pair)
		}
		ostreetest.CLI(t, ours, "fsck", "--quiet")
	}
}

func TestPayloadLinksOfWhatIsThereAndOfLinkedObjects(t *testing.T) {
	t.Parallel()
	mount := cloneMount(t)
	src := payloadRepo(t, mount, ostree.ModeBareUser, "-1")
	c := ostreetest.Commit(t, src, "main", payloadTree())
	require.Empty(t, payloadLinks(t, src))
	require.NoError(t, src.SetConfigValue("core", "payload-link-threshold", "0"))
	again := ostreetest.Open(t, src.Path())
	ostreetest.Commit(t, again, "main", payloadTree())
	require.Len(t, payloadLinks(t, again), 3, "the objects were there")

	dst := payloadRepo(t, mount, ostree.ModeBareUser, "1")
	require.NoError(t, ostree.ImportCommit(t.Context(), dst, src, c))
	require.Equal(t, keysOf(payloadLinks(t, again)), keysOf(payloadLinks(t, dst)))
	before, err := os.Stat(objectFile(src, fileObject(t, src, c, "/a")))
	require.NoError(t, err)
	after, err := os.Stat(objectFile(dst, fileObject(t, dst, c, "/a")))
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after))
}

// What comes compressed from another repository is as good as what is committed.
func TestPayloadLinksOfPulledObjects(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, src, "main", payloadTree())
	dst := payloadRepo(t, cloneMount(t), ostree.ModeBareUserOnly, "4")
	_, err := dst.PullLocal(t.Context(), src, ostree.PullOptions{Refs: []ostree.PullRef{{Ref: "main"}}, Untrusted: true})
	require.NoError(t, err)
	require.Len(t, payloadLinks(t, dst), 2)
	testenv.Need(t, testenv.Tool("filefrag"))
	for _, pair := range [][2]string{{"/a", "/b"}, {"/c", "/d"}} {
		one, other := objectFile(dst, fileObject(t, dst, c, pair[0])), objectFile(dst, fileObject(t, dst, c, pair[1]))
		require.Equal(t, firstBlock(t, one), firstBlock(t, other), pair)
	}
}

// What is wrong in one object stays out of others, and a link whose object is
// gone makes room for one that is right.
func TestPayloadLinksAreNotTrusted(t *testing.T) {
	t.Parallel()
	mount := cloneMount(t)
	r := payloadRepo(t, mount, ostree.ModeBareUser, "0")
	first := ostreetest.Commit(t, r, "main", ostreetest.Tree{"f": ostreetest.File("content")})
	object := objectFile(r, fileObject(t, r, first, "/f"))
	require.NoError(t, os.WriteFile(object, []byte("CONTENT"), 0o600))
	second := ostreetest.Commit(t, r, "main", ostreetest.Tree{"f": ostreetest.File("content").Perm(0o755)})
	require.Equal(t, "content", mustRead(t, objectFile(r, fileObject(t, r, second, "/f"))))

	require.NoError(t, os.Remove(object))
	third := ostreetest.Commit(t, r, "main", ostreetest.Tree{"f": ostreetest.File("content").Perm(0o700)})
	links := payloadLinks(t, r)
	require.Len(t, links, 1)
	for _, target := range links {
		require.FileExists(t, filepath.Join(r.Path(), "objects/00", target))
	}
	require.Equal(t, "content", mustRead(t, objectFile(r, fileObject(t, r, third, "/f"))))
}

func TestPruneCountsPayloadLinks(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("ostree"))
	mount := cloneMount(t)
	for _, threshold := range []string{"4", "9000", "-1"} {
		theirs, ours := payloadRepo(t, mount, ostree.ModeBareUser, "4"), payloadRepo(t, mount, ostree.ModeBareUser, "4")
		for _, r := range []*ostree.Repo{theirs, ours} {
			ostreetest.Commit(t, r, "main", payloadTree())
			ostreetest.Commit(t, r, "", ostreetest.Tree{"x": ostreetest.File("loose end")})
			require.Len(t, payloadLinks(t, r), 3)
			require.NoError(t, r.SetConfigValue("core", "payload-link-threshold", threshold))
		}
		ostreetest.CLI(t, theirs, "prune", "--refs-only")
		again := ostreetest.Open(t, ours.Path())
		would, err := again.Prune(t.Context(), ostree.PruneOptions{RefsOnly: true, DryRun: true})
		require.NoError(t, err)
		report, err := again.Prune(t.Context(), ostree.PruneOptions{RefsOnly: true})
		require.NoError(t, err)
		require.Equal(t, would, report)
		left := payloadLinks(t, ours)
		require.ElementsMatch(t, keysOf(payloadLinks(t, theirs)), keysOf(left), threshold)
		require.Equal(t, report.Deleted, 3+3-len(left), "a commit with its tree and file, and links")
	}
}
