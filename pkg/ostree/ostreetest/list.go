package ostreetest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// List shows a commit's tree as text, one line for each path:
//
//	d00755 0 0 /usr
//	-04755 0 0 3 /usr/bin/su {user.a="one"}
//	l00777 0 0 /lib -> usr/lib
func List(t testing.TB, r *ostree.Repo, c ostree.Checksum) string {
	t.Helper()
	commit, err := r.LoadCommit(t.Context(), c)
	require.NoError(t, err)
	return ListTree(t, r, commit.Tree)
}

// ListTree shows a tree like [List].
func ListTree(t testing.TB, r *ostree.Repo, id ostree.TreeID) string {
	t.Helper()
	view, err := r.FSTree(t.Context(), id)
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, fs.WalkDir(view, ".", func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := view.Lstat(p)
		if err != nil {
			return err
		}
		b.WriteString(line(p, *info.Sys().(*ostree.FileInfo)))
		return nil
	}))
	return b.String()
}

// ListDir shows a directory on disk like [List].
func ListDir(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		fi, err := inspect(p)
		if err != nil {
			return err
		}
		b.WriteString(line(rel, fi))
		return nil
	}))
	return b.String()
}

func inspect(p string) (ostree.FileInfo, error) {
	var st unix.Stat_t
	if err := unix.Lstat(p, &st); err != nil {
		return ostree.FileInfo{}, fmt.Errorf("lstat %s: %w", p, err)
	}
	fi := ostree.FileInfo{UID: st.Uid, GID: st.Gid, Mode: st.Mode}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		fi.Size = st.Size
	case unix.S_IFLNK:
		target, err := os.Readlink(p)
		if err != nil {
			return fi, err
		}
		fi.Target = target
	}
	attrs, err := fsx.LXattrs(p)
	for _, a := range attrs {
		fi.Xattrs = append(fi.Xattrs, ostree.Xattr(a))
	}
	return fi, err
}

func line(p string, fi ostree.FileInfo) string {
	kind := map[uint32]string{unix.S_IFDIR: "d", unix.S_IFREG: "-", unix.S_IFLNK: "l", unix.S_IFCHR: "c"}[fi.Mode&unix.S_IFMT]
	text := fmt.Sprintf("%s%05o %d %d", kind, fi.Mode&0o7777, fi.UID, fi.GID)
	if kind == "-" {
		text += fmt.Sprintf(" %d", fi.Size)
	}
	text += " " + filepath.Join("/", p)
	if kind == "l" {
		text += " -> " + fi.Target
	}
	if len(fi.Xattrs) == 0 {
		return text + "\n"
	}
	attrs := make([]string, len(fi.Xattrs))
	for i, x := range fi.Xattrs {
		attrs[i] = fmt.Sprintf("%s=%q", x.Name, x.Value)
	}
	return text + " {" + strings.Join(attrs, " ") + "}\n"
}
