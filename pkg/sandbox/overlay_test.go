package sandbox_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
)

// layers makes an overlay's directories below dir.
func layers(t *testing.T, dir string) sandbox.Overlay {
	t.Helper()
	o := sandbox.Overlay{
		Lower:  []string{filepath.Join(dir, "lower")},
		Upper:  filepath.Join(dir, "upper"),
		Work:   filepath.Join(dir, "work"),
		Target: filepath.Join(dir, "merged"),
	}
	for _, d := range []string{o.Lower[0], o.Upper, o.Work, o.Target} {
		require.NoError(t, os.MkdirAll(d, 0o755))
	}
	return o
}

// mount mounts o for as long as the test runs.
func mount(t *testing.T, o sandbox.Overlay) *sandbox.Mounted {
	t.Helper()
	mounted, err := o.Mount(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, mounted.Unmount()) })
	return mounted
}

func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

// TestOverlayOfManyLayers has names that are longer together than mount(2) takes.
func TestOverlayOfManyLayers(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Overlay)
	dir := t.TempDir()
	o := layers(t, dir)
	for i := range 100 {
		lower := filepath.Join(dir, "a-directory-with-a-name-of-a-certain-length-"+strconv.Itoa(i))
		require.NoError(t, os.Mkdir(lower, 0o755))
		write(t, filepath.Join(lower, "top"), strconv.Itoa(i))
		write(t, filepath.Join(lower, strconv.Itoa(i)), "x")
		o.Lower = append([]string{lower}, o.Lower...)
	}
	mount(t, o)
	require.Equal(t, "99", read(t, filepath.Join(o.Target, "top")))
	require.Equal(t, "x", read(t, filepath.Join(o.Target, "0")))
	o.Target = filepath.Join(dir, "second")
	require.NoError(t, os.Mkdir(o.Target, 0o755))
	o.Upper, o.Work = filepath.Join(dir, "upper-2"), filepath.Join(dir, "work-2")
	require.NoError(t, os.Mkdir(o.Upper, 0o755))
	require.NoError(t, os.Mkdir(o.Work, 0o755))
	for range 200 {
		o.Lower = append(o.Lower, o.Lower[0])
	}
	_, err := o.Mount(t.Context())
	require.ErrorContains(t, err, "names of 301 directories are longer than the kernel takes")
}

// TestOverlayBreaksHardLinks is why index=off is stated: equal files of a
// checkout are hard links of one object.
func TestOverlayBreaksHardLinks(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Overlay)
	o := layers(t, t.TempDir())
	write(t, o.Lower[0]+"/a", "object")
	require.NoError(t, os.Link(o.Lower[0]+"/a", o.Lower[0]+"/b"))
	mount(t, o)
	write(t, o.Target+"/a", "changed")
	require.NoError(t, os.Chmod(o.Target+"/a", 0o600))
	require.Equal(t, "object", read(t, o.Target+"/b"))
	require.Equal(t, "object", read(t, o.Lower[0]+"/a"))
	require.Equal(t, "changed", read(t, o.Upper+"/a"), "the whole content is in the upper directory")
	require.NoFileExists(t, o.Upper+"/b")
}

// TestOverlayRenamesDirectories is why redirect_dir=on is stated.
func TestOverlayRenamesDirectories(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Overlay)
	o := layers(t, t.TempDir())
	require.NoError(t, os.Mkdir(o.Lower[0]+"/dir", 0o755))
	write(t, o.Lower[0]+"/dir/file", "content")
	mount(t, o)
	require.NoError(t, os.Rename(o.Target+"/dir", o.Target+"/moved"))
	require.Equal(t, "content", read(t, o.Target+"/moved/file"))
	redirect := make([]byte, 64)
	n, err := unix.Lgetxattr(o.Upper+"/moved", "trusted.overlay.redirect", redirect)
	require.NoError(t, err)
	require.Equal(t, "dir", string(redirect[:n]))
}

// TestOverlayNames uses every character that means something in an option.
func TestOverlayNames(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Overlay)
	o := layers(t, filepath.Join(t.TempDir(), `a:b,c\d "e" f`))
	write(t, o.Lower[0]+"/file", "content")
	second := filepath.Join(filepath.Dir(o.Upper), "second,:")
	require.NoError(t, os.Mkdir(second, 0o755))
	write(t, second+"/other", "below")
	o.Lower = append(o.Lower, second)
	mounted := mount(t, o)
	require.Equal(t, o.Target, mounted.Target())
	require.Equal(t, "content", read(t, o.Target+"/file"))
	require.Equal(t, "below", read(t, o.Target+"/other"))
	write(t, o.Target+"/new", "x")
	require.FileExists(t, o.Upper+"/new")
}

func TestOverlayReadOnly(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Overlay)
	o := layers(t, t.TempDir())
	o.Lower, o.Upper, o.Work = append(o.Lower, o.Upper), "", ""
	mount(t, o)
	require.ErrorIs(t, os.WriteFile(o.Target+"/new", nil, 0o644), unix.EROFS)
}

func TestOverlayTwiceWithTheSameDirectories(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Overlay)
	o := layers(t, t.TempDir())
	o.Volatile = true
	for _, name := range []string{"first", "second"} {
		mounted, err := o.Mount(t.Context())
		require.NoError(t, err)
		write(t, filepath.Join(o.Target, name), name)
		require.NoError(t, mounted.Unmount())
		require.NoError(t, mounted.Unmount(), "a second time does nothing")
	}
	require.Equal(t, "first", read(t, o.Upper+"/first"))
	require.Equal(t, "second", read(t, o.Upper+"/second"))
	left, err := os.ReadDir(o.Work)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestOverlayRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(t *testing.T, o *sandbox.Overlay)
		reason string
	}{
		"no lower":      {func(_ *testing.T, o *sandbox.Overlay) { o.Lower = nil }, "no lower directory"},
		"missing lower": {func(_ *testing.T, o *sandbox.Overlay) { o.Lower = []string{"/no/such"} }, "/no/such: no such file"},
		"a file": {func(t *testing.T, o *sandbox.Overlay) {
			o.Upper = filepath.Join(o.Work, "file")
			write(t, o.Upper, "")
		}, "file: not a directory"},
		"two file systems": {func(_ *testing.T, o *sandbox.Overlay) { o.Work = "/proc" }, "on different file systems"},
		"long names": {func(t *testing.T, o *sandbox.Overlay) {
			long := o.Upper
			for range 33 {
				long = filepath.Join(long, "a-name-of-some-length-0123456789-0123456789-0123456789-0123456789")
			}
			require.NoError(t, os.MkdirAll(long, 0o755))
			o.Upper, o.Work = long, filepath.Join(filepath.Dir(long), "work")
			require.NoError(t, os.MkdirAll(o.Work, 0o755))
		}, "shorter path"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := layers(t, t.TempDir())
			c.change(t, &o)
			_, err := o.Mount(t.Context())
			require.ErrorContains(t, err, c.reason)
			require.ErrorContains(t, err, o.Target)
		})
	}
}

func TestOverlayOnAnUnfitFileSystem(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Overlay)
	below := layers(t, t.TempDir())
	mount(t, below)
	o := layers(t, filepath.Join(below.Target, "nested"))
	_, err := o.Mount(t.Context())
	require.ErrorIs(t, err, unix.EINVAL)
	require.ErrorContains(t, err, "(overlay) cannot hold the upper directory")
	require.Error(t, sandbox.ProbeOverlay(t.Context(), below.Target))

	dir := t.TempDir()
	require.NoError(t, sandbox.ProbeOverlay(t.Context(), dir))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

// overlayHelper mounts an overlay where it may not.
func overlayHelper() error { return sandbox.ProbeOverlay(context.Background(), "/tmp") }

func TestOverlayWithoutPrivilege(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("bwrap"))
	self, err := os.Executable()
	require.NoError(t, err)
	out, err := exec.CommandContext(t.Context(), "bwrap", "--ro-bind", "/", "/", "--tmpfs", "/tmp", "--ro-bind", self, "/tmp/self",
		"--cap-drop", "ALL", "--setenv", helperVariable, "overlay", "/tmp/self").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "run as root")
}

func TestUnmountNamesTheHolder(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Overlay)
	o := layers(t, t.TempDir())
	mounted, err := o.Mount(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	holder := exec.CommandContext(ctx, "sleep", "300")
	holder.Dir = o.Target
	require.NoError(t, holder.Start())
	defer func() { cancel(); require.Error(t, holder.Wait()) }()
	require.Eventually(t, func() bool {
		cwd, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(holder.Process.Pid), "cwd"))
		return err == nil && cwd == o.Target
	}, 10*time.Second, time.Millisecond)

	err = mounted.Unmount()
	require.ErrorIs(t, err, unix.EBUSY)
	var busy *sandbox.BusyError
	require.ErrorAs(t, err, &busy)
	require.Equal(t, []sandbox.Holder{{PID: holder.Process.Pid, Command: "sleep"}}, busy.Holders)
	require.NoDirExists(t, o.Target+"/anything")
	require.False(t, isMountPoint(t, o.Target), "it is gone from the tree all the same")
}

func isMountPoint(t *testing.T, path string) bool {
	t.Helper()
	var here, parent unix.Stat_t
	require.NoError(t, errors.Join(unix.Stat(path, &here), unix.Stat(filepath.Dir(path), &parent)))
	return here.Dev != parent.Dev
}

func TestUnmountBelow(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Overlay)
	dir := filepath.Join(t.TempDir(), "left \\ behind")
	o := layers(t, filepath.Join(dir, "one"))
	_, err := o.Mount(t.Context())
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(o.Target+"/inner", 0o755))
	require.NoError(t, unix.Mount("none", o.Target+"/inner", "tmpfs", 0, ""))
	require.NoError(t, unix.Mount("none", o.Target+"/inner", "tmpfs", 0, ""), "twice on one place")
	neighbour := layers(t, dir+" not")
	mount(t, neighbour)

	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(dir, link))
	require.NoError(t, sandbox.UnmountBelow(link))
	require.False(t, isMountPoint(t, o.Target))
	require.DirExists(t, o.Upper+"/inner")
	require.True(t, isMountPoint(t, neighbour.Target), "a name that merely begins the same is another directory")

	require.NoError(t, sandbox.UnmountBelow(dir), "nothing is left to do")
	require.NoError(t, sandbox.UnmountBelow(dir+"/missing"))
	require.ErrorContains(t, sandbox.UnmountBelow("/"), "refused")
}
