package oci

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// rootTree is a layout in a directory. Symbolic links do not lead out of it.
type rootTree struct{ root *os.Root }

func openDirectory(dir string) (blobTree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &rootTree{root}, nil
}

func (t *rootTree) open(name string) (io.ReadCloser, error) { return t.root.Open(name) }
func (t *rootTree) close() error                            { return t.root.Close() }

// archiveTree is a layout in a tar archive, whose entries are read where they are.
type archiveTree struct {
	file  *os.File
	parts map[string]part
}

// part is where the content of an entry is.
type part struct{ offset, size int64 }

// maxParts bounds the entries of an archive: layers, configurations and manifests of
// many images.
const maxParts = 1 << 16

func openArchive(ctx context.Context, name string) (blobTree, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	t := &archiveTree{f, make(map[string]part)}
	if err := t.scan(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("read archive %s: %w", name, err), f.Close())
	}
	return t, nil
}

// scan notes where the entries are. The tar reader seeks over their content, and
// stands at the beginning of it when it has read a header.
func (t *archiveTree) scan(ctx context.Context) error {
	r := tar.NewReader(t.file)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if len(t.parts) == maxParts {
			return fmt.Errorf("more than %d entries", maxParts)
		}
		at, err := t.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		t.parts[path.Clean(h.Name)] = part{at, h.Size}
	}
}

func (t *archiveTree) open(name string) (io.ReadCloser, error) {
	p, ok := t.parts[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return io.NopCloser(io.NewSectionReader(t.file, p.offset, p.size)), nil
}

func (t *archiveTree) close() error { return t.file.Close() }
