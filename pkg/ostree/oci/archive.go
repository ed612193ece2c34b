package oci

import (
	"archive/tar"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// archiveLayout writes a layout as one file, in the order of names and without times.
func archiveLayout(ctx context.Context, dir, to string) error {
	return fsx.ReplaceFile(to, 0o644, func(f *os.File) error {
		w := tar.NewWriter(f)
		err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			rel, err := filepath.Rel(dir, name)
			if err != nil || rel == "." {
				return err
			}
			return archiveEntry(w, name, filepath.ToSlash(rel), e)
		})
		if err != nil {
			return err
		}
		return w.Close()
	}, func(*os.File) error { return nil })
}

func archiveEntry(w *tar.Writer, name, rel string, e fs.DirEntry) error {
	if e.IsDir() {
		return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: rel + "/", Mode: 0o755})
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: rel, Mode: 0o644, Size: st.Size()}); err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}
