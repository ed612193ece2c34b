package ostree

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// A consumption removes from a directory what was added of it, and nothing that
// came there in the meantime. A nil one notes nothing.
type consumption struct {
	dirs []consumedDir // each after the one it is in
}

// A consumedDir is what a directory had in it when it was read.
type consumedDir struct {
	path    string // below the directory that is added
	entries []fs.DirEntry
	skipped bool // not read: all of it goes
}

func (c *consumption) note(dir consumedDir) {
	if c != nil {
		c.dirs = append(c.dirs, dir)
	}
}

// remove is called when the update is done. The current directory stays, what
// was in it goes.
func (c *consumption) remove(dir string) error {
	root, err := fsx.OpenDir(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	skipped := map[string]bool{}
	for _, d := range c.dirs {
		skipped[d.path] = d.skipped
	}
	for i := len(c.dirs) - 1; i >= 0; i-- {
		if err := c.dirs[i].remove(root, skipped); err != nil {
			return fmt.Errorf("consume %s: %w", filepath.Join(dir, c.dirs[i].path), err)
		}
	}
	if filepath.Clean(dir) == "." {
		return nil
	}
	if err := unix.Rmdir(dir); err != nil {
		return &fs.PathError{Op: "rmdir", Path: dir, Err: err}
	}
	return nil
}

// remove empties the directory. Those in it are empty by now, but for what was
// put there since they were read, which is an error.
func (d *consumedDir) remove(root *os.File, skipped map[string]bool) error {
	if d.skipped {
		return nil // with the directory it is in
	}
	f, err := fsx.OpenHow(int(root.Fd()), cmp.Or(d.path, "."), unix.O_RDONLY|unix.O_DIRECTORY, 0, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS)
	if err != nil {
		return ignoreNotExist(err)
	}
	defer f.Close()
	for _, e := range d.entries {
		switch {
		case !e.IsDir():
			err = unlinkAt(int(f.Fd()), e.Name())
		case skipped[path.Join(d.path, e.Name())]:
			err = fsx.RemoveAllAt(int(f.Fd()), e.Name())
		default:
			if err = unix.Unlinkat(int(f.Fd()), e.Name(), unix.AT_REMOVEDIR); err != nil {
				err = &fs.PathError{Op: "rmdir", Path: e.Name(), Err: err}
			}
		}
		if ignoreNotExist(err) != nil {
			return err
		}
	}
	return nil
}
