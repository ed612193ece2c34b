package deploy

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// host says which deployment the running system is.
type host struct {
	// booted is false when the running system does not belong to the sysroot.
	booted bool
	// device and inode are those of the directory of the running deployment.
	device, inode uint64
	// root are device and inode of the running system's root directory, which may be the same.
	rootDevice, rootInode uint64
}

func (h host) isBooted(st unix.Stat_t) bool {
	return h.booted && st.Dev == h.device && st.Ino == h.inode
}

// readHost finds out whether the sysroot is that of the running system. The initramfs leaves
// /run/ostree-booted, an a{sv} that has backing-root-device-inode (tt) since the root of a
// deployment can be an overlay; an empty file means that the root is the deployment itself.
func (s *Sysroot) readHost() (host, error) {
	var root, own unix.Stat_t
	if err := unix.Stat(s.opts.hostRoot(), &root); err != nil {
		return host{}, &fs.PathError{Op: "stat", Path: s.opts.hostRoot(), Err: err}
	}
	if err := unix.Stat(s.path, &own); err != nil {
		return host{}, &fs.PathError{Op: "stat", Path: s.path, Err: err}
	}
	h := host{device: root.Dev, inode: root.Ino, rootDevice: root.Dev, rootInode: root.Ino}
	path := filepath.Join(s.opts.runDir(), "ostree-booted")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	h.booted = root.Dev == own.Dev && root.Ino == own.Ino
	if len(data) == 0 || !h.booted {
		return h, nil
	}
	h.device, h.inode, err = backingRoot(data, h)
	if err != nil {
		return h, &CorruptError{Path: path, Err: err}
	}
	return h, nil
}

// backingRoot reads the device and inode of the running deployment.
func backingRoot(data []byte, h host) (device, inode uint64, err error) {
	dict, err := gvariant.Parse("a{sv}", data)
	if err != nil {
		return 0, 0, err
	}
	pair, ok, err := dict.Lookup("backing-root-device-inode")
	if err != nil || !ok {
		return h.device, h.inode, err
	}
	var numbers [2]uint64
	for i := range numbers {
		item, err := pair.At(i)
		if err != nil {
			return 0, 0, err
		}
		if numbers[i], err = item.Uint64(); err != nil {
			return 0, 0, err
		}
	}
	return numbers[0], numbers[1], nil
}
