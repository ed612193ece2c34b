package txn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
)

// maxInitrd bounds the initrd with files of /etc, in bytes: it is read by the boot loader, and lies in
// /boot for every deployment.
const maxInitrd = 64 << 20

// etcInitrd makes an initrd of files and directories below the /etc of a root: a cpio archive in the
// form that the kernel reads ("newc", Documentation/driver-api/early-userspace/buffer-format.rst). It
// depends on their content, modes and owners only. Files that do not exist are left out and named.
func etcInitrd(ctx context.Context, dir string, files []string) (initrd []byte, missing []string, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	names, missing, err := initrdNames(root, files)
	if err != nil || len(names) == 0 {
		return nil, missing, err
	}
	w := new(cpioWriter)
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if err := w.add(root, name); err != nil {
			return nil, nil, err
		}
		if w.Len() > maxInitrd {
			return nil, nil, fmt.Errorf("files of /etc for the initramfs: more than %d MB", maxInitrd>>20)
		}
	}
	w.entry(cpioEntry{name: "TRAILER!!!", links: 1}, nil)
	return w.Bytes(), missing, nil
}

// initrdNames lists files with the directories above them and what is below directories, sorted.
func initrdNames(root *os.Root, files []string) (names, missing []string, err error) {
	set := map[string]bool{}
	for _, file := range files {
		name := strings.TrimPrefix(file, "/")
		if _, err := root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, file)
			continue
		}
		err := fs.WalkDir(root.FS(), name, func(at string, _ fs.DirEntry, err error) error {
			set[at] = true
			return err
		})
		if err != nil {
			return nil, nil, err
		}
		for above := path.Dir(name); above != "."; above = path.Dir(above) {
			set[above] = true
		}
	}
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names) // directories before what is in them
	return names, missing, nil
}

// cpioWriter collects an archive.
type cpioWriter struct {
	bytes.Buffer
	count uint32
}

type cpioEntry struct {
	name     string
	mode     uint32
	uid, gid uint32
	links    uint32
}

// add adds a file, a directory or a symbolic link.
func (w *cpioWriter) add(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("/%s: the owner is not known", name)
	}
	e := cpioEntry{name: name, mode: st.Mode, uid: st.Uid, gid: st.Gid, links: 1}
	var data []byte
	switch info.Mode().Type() {
	case fs.ModeDir:
		e.links = 2
	case fs.ModeSymlink:
		target, err := root.Readlink(name)
		if err != nil {
			return err
		}
		data = []byte(target)
	case 0:
		if info.Size() > maxInitrd {
			return fmt.Errorf("/%s: %d bytes are too much for an initrd", name, info.Size())
		}
		if data, err = root.ReadFile(name); err != nil {
			return err
		}
	default:
		return &RequestError{Message: fmt.Sprintf("/%s: neither a file nor a directory, so the initramfs cannot have it", name)}
	}
	w.entry(e, data)
	return nil
}

// entry writes a header, the name and the data, each padded to four bytes. Inode numbers count, and
// times are zero, so that equal files make an equal archive.
func (w *cpioWriter) entry(e cpioEntry, data []byte) {
	w.count++
	fmt.Fprintf(w, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		w.count, e.mode, e.uid, e.gid, e.links, 0, len(data), 0, 0, 0, 0, len(e.name)+1, 0, e.name)
	w.pad()
	w.Write(data)
	w.pad()
}

func (w *cpioWriter) pad() {
	for w.Len()%4 != 0 {
		w.WriteByte(0)
	}
}
