package ostree_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// TestApplyOverlayShowsWhatTheKernelShows changes files at the mount of an
// overlay at random, and requires that the lower tree with the upper directory
// applied is the tree that the mount shows.
func TestApplyOverlayShowsWhatTheKernelShows(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Overlay)
	seeds := uint64(6)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			m := newMonkey(t, seed)
			for range 6 {
				for range 40 {
					m.step()
				}
				m.check()
				if m.rand.IntN(2) == 0 {
					m.remount()
				}
			}
		})
	}
}

// overlayDirs is a mounted overlay with a lower directory that is committed.
type overlayDirs struct {
	t                          *testing.T
	repo                       *ostree.Repo
	lower                      ostree.TreeID
	lowerDir, upper, work, top string
}

func newOverlay(t *testing.T, lower ostreetest.Tree) *overlayDirs {
	t.Helper()
	dir := t.TempDir()
	o := &overlayDirs{
		t: t, repo: ostreetest.Repo(t, ostree.ModeBareUser),
		lowerDir: filepath.Join(dir, "lower"), upper: filepath.Join(dir, "upper"),
		work: filepath.Join(dir, "work"), top: filepath.Join(dir, "top"),
	}
	for _, d := range []string{o.lowerDir, o.upper, o.work, o.top} {
		require.NoError(t, os.Mkdir(d, 0o755))
	}
	ostreetest.Write(t, o.lowerDir, lower)
	o.lower = addedTree(t, o.repo, o.lowerDir)
	o.mount()
	t.Cleanup(o.unmount)
	return o
}

// mount mounts the overlay. It is volatile, since unmounting would otherwise
// wait for everything on the disk, other programs' data included; the mark that
// forbids a second such mount goes first.
func (o *overlayDirs) mount() {
	o.t.Helper()
	require.NoError(o.t, os.RemoveAll(filepath.Join(o.work, "work/incompat")))
	options := fmt.Sprintf("volatile,index=off,metacopy=off,redirect_dir=on,lowerdir=%s,upperdir=%s,workdir=%s", o.lowerDir, o.upper, o.work)
	require.NoError(o.t, unix.Mount("overlay", o.top, "overlay", 0, options))
}

// unmount waits for other tests that start a program, which holds open files of
// this one until it runs.
func (o *overlayDirs) unmount() {
	err := unix.Unmount(o.top, 0)
	for range 1000 {
		if !errors.Is(err, unix.EBUSY) {
			break
		}
		time.Sleep(10 * time.Millisecond)
		err = unix.Unmount(o.top, 0)
	}
	require.NoError(o.t, err)
}

func (o *overlayDirs) remount() {
	o.t.Helper()
	o.unmount()
	o.mount()
}

// applied is the lower tree with the upper directory applied.
func (o *overlayDirs) applied(opts ostree.AddOptions) (ostree.TreeID, error) {
	var id ostree.TreeID
	ctx := o.t.Context()
	err := o.repo.Update(ctx, func(w *ostree.Writer) error {
		tree, err := w.LoadTree(ctx, o.lower)
		if err != nil {
			return err
		}
		if err := w.ApplyOverlay(ctx, tree, o.upper, opts); err != nil {
			return err
		}
		id, err = w.WriteTree(ctx, tree)
		return err
	})
	return id, err
}

// check compares with what the mount shows.
func (o *overlayDirs) check() {
	o.t.Helper()
	want := addedTree(o.t, o.repo, o.top)
	got, err := o.applied(ostree.AddOptions{})
	require.NoError(o.t, err)
	if got != want { // the listings say where
		require.Equal(o.t, ostreetest.ListTree(o.t, o.repo, want), ostreetest.ListTree(o.t, o.repo, got))
		require.Equal(o.t, want, got)
	}
}

// addedTree is the tree of a directory on disk.
func addedTree(t *testing.T, r *ostree.Repo, dir string) ostree.TreeID {
	t.Helper()
	return addedTreeWith(t, r, dir, ostree.AddOptions{})
}

func addedTreeWith(t *testing.T, r *ostree.Repo, dir string, opts ostree.AddOptions) ostree.TreeID {
	t.Helper()
	var id ostree.TreeID
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
		var err error
		id, err = addTree(t.Context(), w, dir, opts)
		return err
	}))
	return id
}

func addTree(ctx context.Context, w *ostree.Writer, dir string, opts ostree.AddOptions) (ostree.TreeID, error) {
	tree := ostree.NewTree(ostree.DirMeta{Mode: unix.S_IFDIR | 0o755})
	if err := w.AddDirectory(ctx, tree, "/", dir, opts); err != nil {
		return ostree.TreeID{}, err
	}
	return w.WriteTree(ctx, tree)
}

// monkey makes random changes at the mount.
type monkey struct {
	*overlayDirs
	rand *rand.Rand
	log  []string
}

func newMonkey(t *testing.T, seed uint64) *monkey {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	lower := ostreetest.Full()
	for i := range 30 {
		p := fmt.Sprintf("%c/%c/%c/f%d", 'a'+r.IntN(3), 'a'+r.IntN(3), 'a'+r.IntN(3), i)
		lower[p] = ostreetest.File(fmt.Sprint(i)).Perm(0o600 | uint32(r.IntN(0o200)))
	}
	m := &monkey{overlayDirs: newOverlay(t, lower), rand: r}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("changes:\n%s", strings.Join(m.log, "\n"))
		}
	})
	return m
}

// step makes one change. A change that is not possible where it fell is no
// change; a kernel error is the test's.
func (m *monkey) step() {
	m.t.Helper()
	dirs, files := m.list()
	dir := dirs[m.rand.IntN(len(dirs))]
	file := files[m.rand.IntN(len(files))]
	to := filepath.Join(dirs[m.rand.IntN(len(dirs))], m.name())
	switch m.rand.IntN(16) {
	case 0, 1:
		m.do("create "+to, os.WriteFile(to, []byte(m.name()), 0o644))
	case 2:
		m.do("symlink "+to, os.Symlink(m.name(), to))
	case 3:
		m.do("mkdir "+to, os.Mkdir(to, 0o755))
	case 4:
		m.do("append "+file, appendTo(file))
	case 5:
		m.do("remove "+file, os.Remove(file))
	case 6:
		if dir != m.top {
			m.do("remove tree "+dir, os.RemoveAll(dir))
		}
	case 7, 8, 9:
		if dir != m.top && !strings.HasPrefix(to+"/", dir+"/") {
			m.do("rename tree "+dir+" "+to, os.Rename(dir, to))
		}
	case 10:
		m.do("rename "+file+" "+to, os.Rename(file, to))
	case 11:
		if dir != m.top {
			m.do("directory to file "+dir, errorsFirst(os.RemoveAll(dir), os.WriteFile(dir, []byte("was a directory"), 0o600)))
		}
	case 12:
		m.do("file to directory "+file, errorsFirst(os.Remove(file), os.Mkdir(file, 0o711), os.WriteFile(filepath.Join(file, "in"), nil, 0o644)))
	case 13:
		m.do("emptied "+dir, m.recreate(dir))
	case 14:
		m.do("link "+file+" "+to, os.Link(file, to))
	default:
		m.attributes([]string{dir, file}[m.rand.IntN(2)])
	}
}

func (m *monkey) attributes(path string) {
	m.t.Helper()
	switch m.rand.IntN(5) {
	case 0:
		m.do("chmod "+path, unix.Fchmodat(unix.AT_FDCWD, path, uint32(m.rand.IntN(0o10000)), 0))
	case 1:
		m.do("chown "+path, os.Lchown(path, m.rand.IntN(3), m.rand.IntN(3)))
	case 2: // a copy-up that changes nothing
		m.do("touch "+path, unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{{Sec: 5}, {Sec: 5}}, unix.AT_SYMLINK_NOFOLLOW))
	case 3:
		m.do("trusted "+path, unix.Lsetxattr(path, "trusted.note", []byte(m.name()), 0))
	default:
		m.do("setcap "+path, unix.Lsetxattr(path, "security.capability", []byte(capability), 0))
	}
}

// capability is cap_net_raw=ep in version 2.
const capability = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// recreate removes a directory and makes an empty one in its place.
func (m *monkey) recreate(dir string) error {
	if dir == m.top {
		return nil
	}
	return errorsFirst(os.RemoveAll(dir), os.Mkdir(dir, 0o750))
}

func (m *monkey) do(what string, err error) {
	m.t.Helper()
	m.log = append(m.log, fmt.Sprintf("%s: %v", strings.ReplaceAll(what, m.top, ""), err))
}

// name is a new name, or one that directories of the lower tree have.
func (m *monkey) name() string {
	names := []string{"a", "b", "c", "usr", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8"}
	return names[m.rand.IntN(len(names))]
}

func (m *monkey) list() (dirs, files []string) {
	m.t.Helper()
	require.NoError(m.t, filepath.WalkDir(m.top, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			dirs = append(dirs, p)
		} else if err == nil {
			files = append(files, p)
		}
		return err
	}))
	if len(files) == 0 {
		files = append(files, filepath.Join(m.top, "none"))
	}
	return dirs, files
}

func appendTo(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("more")
	return errorsFirst(err, f.Close())
}

func errorsFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
