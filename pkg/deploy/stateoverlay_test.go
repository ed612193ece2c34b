package deploy_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

// overlaid is a running system with an /opt that is to be writable.
type overlaid struct {
	*deploy.Sysroot
	opt string
}

func newOverlaid(t *testing.T) overlaid {
	t.Helper()
	testenv.Need(t, testenv.UserXattrs, testenv.Overlay)
	made := newSysroot(t)
	d := mustDeploy(t, made, commit(t, made, "1", nil), deploy.DeployOptions{})
	mustDeploy(t, made, commit(t, made, "2", nil), deploy.DeployOptions{})
	o := overlaid{opt: filepath.Join(made.Path(), "opt")}
	o.Sysroot, _ = boot(t, made, *d)
	o.image(t, map[string]string{"vendor/bin": "image 1", "vendor/old": "image 1", "file": "image 1"})
	return o
}

// image makes /opt as an image has it.
func (o overlaid) image(t *testing.T, files map[string]string) {
	t.Helper()
	require.NoError(t, os.RemoveAll(o.opt))
	for name, text := range files {
		path := filepath.Join(o.opt, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
}

// with mounts the overlay, lets do look at it and unmounts it again.
func (o overlaid) with(t *testing.T, do func()) {
	t.Helper()
	require.NoError(t, o.MountStateOverlay(t.Context(), `opt\x2dx`, "/opt"))
	defer func() { require.NoError(t, unix.Unmount(o.opt, 0)) }()
	do()
}

// files are the regular files of /opt and what is in them.
func (o overlaid) files(t *testing.T) map[string]string {
	t.Helper()
	out := make(map[string]string)
	require.NoError(t, filepath.WalkDir(o.opt, func(path string, e os.DirEntry, err error) error {
		require.NoError(t, err)
		if e.Type().IsRegular() {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			name, err := filepath.Rel(o.opt, path)
			require.NoError(t, err)
			out[name] = string(text)
		}
		return nil
	}))
	return out
}

// What is written stays over reboots into the same deployment. With another one the image has again what is its
// own, and what was added is still there.
func TestStateOverlay(t *testing.T) {
	t.Parallel()
	o := newOverlaid(t)
	local := map[string]string{"vendor/bin": "local", "file": "image 1", "vendor/added": "local", "mine/x": "local"}
	o.with(t, func() {
		require.NoError(t, os.Remove(o.opt+"/vendor/old"))
		require.NoError(t, os.WriteFile(o.opt+"/vendor/bin", []byte("local"), 0o644))
		require.NoError(t, os.WriteFile(o.opt+"/vendor/added", []byte("local"), 0o644))
		require.NoError(t, os.Mkdir(o.opt+"/mine", 0o755))
		require.NoError(t, os.WriteFile(o.opt+"/mine/x", []byte("local"), 0o644))
		require.Equal(t, local, o.files(t))
	})
	o.with(t, func() { require.Equal(t, local, o.files(t)) })

	next := deployments(t, o.Sysroot)[0]
	require.False(t, next.Booted)
	o.Sysroot, _ = boot(t, o.Sysroot, next)
	o.image(t, map[string]string{"vendor/bin": "image 2", "vendor/old": "image 2", "mine": "a file now"})
	o.with(t, func() {
		require.Equal(t, map[string]string{
			"vendor/bin": "image 2", "vendor/old": "image 2", "vendor/added": "local", "mine": "a file now",
		}, o.files(t))
	})
}

// A directory that was replaced as a whole shows what the next image has in it.
func TestStateOverlayOfAReplacedDirectory(t *testing.T) {
	t.Parallel()
	o := newOverlaid(t)
	o.with(t, func() {
		require.NoError(t, os.RemoveAll(o.opt+"/vendor"))
		require.NoError(t, os.Mkdir(o.opt+"/vendor", 0o755))
		require.NoError(t, os.WriteFile(o.opt+"/vendor/added", nil, 0o644))
		require.Equal(t, map[string]string{"file": "image 1", "vendor/added": ""}, o.files(t))
	})
	o.Sysroot, _ = boot(t, o.Sysroot, deployments(t, o.Sysroot)[0])
	o.with(t, func() {
		require.Equal(t, map[string]string{
			"file": "image 1", "vendor/added": "", "vendor/bin": "image 1", "vendor/old": "image 1",
		}, o.files(t))
	})
}

func TestStateOverlayRefuses(t *testing.T) {
	t.Parallel()
	o := newOverlaid(t)
	for _, name := range []string{"", "..", "a/b"} {
		require.ErrorContains(t, o.MountStateOverlay(t.Context(), name, "/opt"), "not a usable name")
	}
	require.ErrorIs(t, o.MountStateOverlay(t.Context(), "x", "/missing"), os.ErrNotExist)
	s := newSysroot(t)
	require.ErrorIs(t, s.MountStateOverlay(t.Context(), "opt", "/opt"), deploy.ErrNotBooted)
}
