package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// ext4Checkpoint is EXT4_IOC_CHECKPOINT of <linux/ext4.h> (Linux 5.14): write the journal back.
const ext4Checkpoint = 0x4004662b

// sync writes the file systems of the repository and of /boot to disk.
func (s *Sysroot) sync(ctx context.Context) error {
	if s.opts.NoSync {
		return nil
	}
	boot := s.bootPath()
	for _, dir := range []string{filepath.Join(s.path, "ostree/repo"), boot} {
		if err := s.syncDir(ctx, dir, dir == boot); err != nil {
			return fmt.Errorf("sync: %w", err)
		}
	}
	return nil
}

// syncDir syncs the file system of a directory. Boot loaders read a file system without replaying
// its journal, so in /boot it is not enough that changes are in that.
func (s *Sysroot) syncDir(ctx context.Context, path string, boot bool) (err error) {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	if err := fsx.SyncFS(dir); err != nil || !boot {
		return err
	}
	if s.opts.TestFreeze {
		return s.freeze(ctx, dir)
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &st); err != nil {
		return &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	switch st.Type {
	case unix.EXT4_SUPER_MAGIC:
		// Unlike freezing this leaves nothing frozen behind when the process is killed meanwhile.
		// Older kernels and file systems without a journal do not know it; then syncing has to do.
		if err := unix.IoctlSetPointerInt(int(dir.Fd()), ext4Checkpoint, 0); err != nil {
			s.log.Debug("journal not written back", "path", path, "error", err)
		}
	case unix.XFS_SUPER_MAGIC:
		return s.freeze(ctx, dir)
	}
	return nil
}
