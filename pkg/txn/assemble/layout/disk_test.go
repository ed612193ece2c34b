package layout_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// chmod sets all permission bits, those that [os.Chmod] spells differently included.
func chmod(name string, mode uint32) error { return unix.Chmod(name, mode) }

// readDisk reads a directory into a tree. Device nodes are left out.
func readDisk(t *testing.T, s *memory, dir string) *ostree.Tree {
	t.Helper()
	tree := ostree.NewTree(ostree.DirMeta{Mode: typeDir | 0o755})
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		require.NoError(t, err)
		return addDisk(t, s, tree, rel, name)
	})
	require.NoError(t, err)
	return tree
}

func addDisk(t *testing.T, s *memory, tree *ostree.Tree, rel, name string) error {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(name, &st); err != nil {
		return err
	}
	info := ostree.FileInfo{UID: st.Uid, GID: st.Gid, Mode: st.Mode}
	var data []byte
	var err error
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return tree.Mkdir(rel, ostree.DirMeta{UID: st.Uid, GID: st.Gid, Mode: st.Mode})
	case unix.S_IFLNK:
		info.Target, err = os.Readlink(name)
	case unix.S_IFREG:
		data, err = os.ReadFile(name)
		info.Size = int64(len(data))
	default:
		return nil
	}
	if err != nil {
		return err
	}
	c, err := s.WriteFile(t.Context(), info, bytes.NewReader(data))
	if err != nil {
		return err
	}
	return tree.SetFile(rel, c)
}
