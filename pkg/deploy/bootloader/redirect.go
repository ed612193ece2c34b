package bootloader

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// redirect makes the file at which a boot loader looks for its configuration a symbolic link into
// the directory loader, so that it changes with the boot entries in one step. A file that is in the
// way is kept under another name, unless that is "", because its content has been taken over. It does
// nothing when the directory loader is not from here and has no such file.
func redirect(c Config, file, target, keepAs string) error {
	boot := c.Boot
	path := filepath.Join(boot, file)
	want, err := filepath.Rel(filepath.Dir(file), filepath.Join("loader", target))
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(boot, "loader", target)); err != nil {
		return ignoreMissing(err)
	}
	have, err := os.Readlink(path)
	if err == nil && have == want {
		return nil
	}
	isFile := false
	if info, err := os.Lstat(path); err == nil {
		isFile = info.Mode().IsRegular()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if isFile && keepAs != "" {
		if err := os.Link(path, filepath.Join(boot, keepAs)); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		c.step("finish-keep")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp := path + ".tmp"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(want, tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	c.step("finish-lead")
	return fsx.SyncDir(filepath.Dir(path))
}
