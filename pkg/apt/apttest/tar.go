package apttest

import (
	"archive/tar"
	"bytes"
	"crypto/md5"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// File is an entry of a package. Parent directories are added on their own.
type File struct {
	// Path is relative to the root, "usr/bin/x".
	Path string
	// Mode are the permission bits, with 0o4000, 0o2000 and 0o1000 for set-uid, set-gid and sticky.
	// The default is 0644 for a file and 0755 for a directory.
	Mode int64
	// Content of a regular file.
	Content string
	// Dir makes it a directory, Link a symlink to that target, HardLink a further name of a file
	// earlier in the list.
	Dir      bool
	Link     string
	HardLink string
	// Owner; "root" and 0 are the defaults.
	UID, GID    int
	User, Group string
	// Header may change the entry to something a well-behaved package would not contain.
	Header func(*tar.Header)
}

func (d Deb) dataTar(t testing.TB) []byte {
	t.Helper()
	w := newTarWriter(t, d)
	for _, f := range d.Files {
		w.parents(f.Path)
		w.add(f)
	}
	return w.finish()
}

func (d Deb) controlTar(t testing.TB) []byte {
	t.Helper()
	files := map[string]File{"control": {Content: d.ControlFile()}}
	conffiles := slices.Clone(d.Conffiles)
	var sums strings.Builder
	for _, f := range d.Files {
		if f.Dir || f.Link != "" || f.HardLink != "" {
			continue
		}
		if !d.NoConffiles && strings.HasPrefix(f.Path, "etc/") {
			conffiles = append(conffiles, "/"+f.Path)
			continue
		}
		fmt.Fprintf(&sums, "%x  %s\n", md5.Sum([]byte(f.Content)), f.Path)
	}
	if sums.Len() > 0 {
		files["md5sums"] = File{Content: sums.String()}
	}
	if len(conffiles) > 0 {
		files["conffiles"] = File{Content: strings.Join(slices.Compact(conffiles), "\n") + "\n"}
	}
	for name, text := range d.Control {
		files[name] = File{Content: text}
	}
	for name, script := range d.Scripts {
		if !strings.HasPrefix(script, "#!") {
			script = "#!/bin/sh\nset -e\n" + script
		}
		files[name] = File{Content: strings.TrimSuffix(script, "\n") + "\n", Mode: 0o755}
	}
	w := newTarWriter(t, d)
	w.parents("control")
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := files[name]
		f.Path = name
		w.add(f)
	}
	return w.finish()
}

// tarWriter writes entries as dpkg-deb does: GNU format, names that start with "./".
type tarWriter struct {
	t    testing.TB
	deb  Deb
	buf  bytes.Buffer
	tar  *tar.Writer
	have map[string]bool
}

func newTarWriter(t testing.TB, d Deb) *tarWriter {
	w := &tarWriter{t: t, deb: d, have: map[string]bool{}}
	w.tar = tar.NewWriter(&w.buf)
	return w
}

func (w *tarWriter) parents(p string) {
	dir := path.Dir(path.Clean(p))
	if w.have[dir] || strings.HasPrefix(dir, "..") || dir == "/" {
		return
	}
	if dir != "." {
		w.parents(dir)
	}
	w.add(File{Path: dir, Dir: true})
}

func (w *tarWriter) add(f File) {
	w.t.Helper()
	h := &tar.Header{
		Typeflag: tar.TypeReg, Name: "./" + f.Path, Mode: f.Mode, Size: int64(len(f.Content)), ModTime: w.deb.Time,
		Uid: f.UID, Gid: f.GID, Uname: f.User, Gname: f.Group, Format: tar.FormatGNU,
	}
	if h.Uname == "" && h.Uid == 0 {
		h.Uname = "root"
	}
	if h.Gname == "" && h.Gid == 0 {
		h.Gname = "root"
	}
	switch {
	case f.Dir:
		h.Typeflag, h.Name = tar.TypeDir, strings.TrimSuffix(h.Name, "/")+"/"
		if f.Path == "." {
			h.Name = "./"
		}
		h.Mode = cmpOr(f.Mode, 0o755)
		w.have[path.Clean(f.Path)] = true
	case f.Link != "":
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, f.Link, 0o777
	case f.HardLink != "":
		h.Typeflag, h.Linkname, h.Mode = tar.TypeLink, "./"+f.HardLink, cmpOr(f.Mode, 0o644)
	default:
		h.Mode = cmpOr(f.Mode, 0o644)
	}
	if h.Typeflag != tar.TypeReg {
		h.Size = 0
	}
	if f.Header != nil {
		f.Header(h)
	}
	require.NoError(w.t, w.tar.WriteHeader(h))
	if h.Typeflag == tar.TypeReg {
		_, err := w.tar.Write([]byte(f.Content))
		require.NoError(w.t, err)
	}
}

func cmpOr(mode, otherwise int64) int64 {
	if mode == 0 {
		return otherwise
	}
	return mode
}

func (w *tarWriter) finish() []byte {
	w.t.Helper()
	if len(w.have) == 0 {
		w.add(File{Path: ".", Dir: true})
	}
	require.NoError(w.t, w.tar.Close())
	return w.buf.Bytes()
}
