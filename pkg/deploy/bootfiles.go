package deploy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// installKernel puts a kernel with all its files into a directory below /boot. Files that are there
// already are left alone: the directory is named by their checksum.
func (s *Sysroot) installKernel(root *os.Root, k kernel, dir string) error {
	dir = filepath.Join(s.bootPath(), dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range k.files() {
		if err := s.installFile(root, f.path, filepath.Join(dir, f.name)); err != nil {
			return err
		}
	}
	if k.dtbDir == "" {
		return nil
	}
	return fs.WalkDir(root.FS(), k.dtbDir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(dir, "dtb", filepath.FromSlash(name[len(k.dtbDir):]))
		if e.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		return s.installFile(root, name, target)
	})
}

// installFile hard-links a file into /boot, or copies it when that is another file system. It
// appears complete or not at all.
func (s *Sysroot) installFile(root *os.Root, source, target string) error {
	if _, err := os.Lstat(target); err == nil {
		return nil
	}
	file, err := root.Open(filepath.FromSlash(source))
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("/%s is not a regular file", source)
	}
	err = unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", file.Fd()), unix.AT_FDCWD, target, unix.AT_SYMLINK_FOLLOW)
	if errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EMLINK) || errors.Is(err, unix.EPERM) {
		return copyIntoBoot(file, info, target)
	}
	if err != nil {
		return &os.LinkError{Op: "link", Old: source, New: target, Err: err}
	}
	return nil
}

// copyIntoBoot copies a file with its owner and mode, and without attributes: labels of /usr are
// wrong in /boot.
func copyIntoBoot(file *os.File, info fs.FileInfo, target string) (err error) {
	dir, err := fsx.OpenDir(filepath.Dir(target))
	if err != nil {
		return err
	}
	defer dir.Close()
	tmp, err := fsx.TempFile(int(dir.Fd()), 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tmp.Close()) }()
	if err := fsx.CopyFile(tmp, file); err != nil {
		return err
	}
	st, err := fsx.StatAt(int(file.Fd()), "")
	if err != nil {
		return err
	}
	if err := tmp.Chown(int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	if err := tmp.Chmod(info.Mode()); err != nil {
		return err
	}
	if err := unix.Fdatasync(int(tmp.Fd())); err != nil {
		return &fs.PathError{Op: "fdatasync", Path: target, Err: err}
	}
	return fsx.LinkTemp(tmp, int(dir.Fd()), path.Base(target))
}
