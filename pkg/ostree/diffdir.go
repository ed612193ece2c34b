package ostree

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// A DiffSide is one of the two things that are compared: a tree of the
// repository, or a directory on disk if Dir is set.
type DiffSide struct {
	Tree TreeID
	Dir  string
}

// DiffSides is [Repo.Diff] for directories on disk as well. What counts of their
// files is up to the options; their content is read by several workers. Devices,
// pipes and sockets, which no tree has, are listed too.
func (r *Repo) DiffSides(ctx context.Context, from, to DiffSide, o HashOptions) ([]DiffEntry, error) {
	h := &dirHasher{opts: o, pools: r.pools, trees: make(map[Checksum]*DirTree)}
	for _, side := range []*DiffSide{&from, &to} {
		if side.Dir == "" {
			continue
		}
		var err error
		if side.Tree, err = h.hash(ctx, side.Dir); err != nil {
			return nil, fmt.Errorf("diff: %w", err)
		}
	}
	d := differ{load: func(c Checksum) (*DirTree, error) {
		if t, ok := h.trees[c]; ok {
			return t, nil
		}
		return r.LoadDirTree(ctx, c)
	}}
	return d.run(from.Tree, to.Tree)
}

// dirHasher computes the tree objects that a directory would have.
type dirHasher struct {
	opts  HashOptions
	pools *pools
	trees map[Checksum]*DirTree
}

// hashedDir is a directory whose files are being hashed.
type hashedDir struct {
	path  string
	meta  Checksum
	files []DirTreeFile
	dirs  []*hashedDir
	name  string
}

func (h *dirHasher) hash(ctx context.Context, dir string) (TreeID, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0) + 1)
	root := &hashedDir{path: dir}
	err := h.scan(ctx, group, root)
	if waitErr := group.Wait(); err == nil {
		err = waitErr
	}
	if err != nil {
		return TreeID{}, err
	}
	return h.finish(root)
}

// scan lists a directory and starts hashing its files.
func (h *dirHasher) scan(ctx context.Context, group *errgroup.Group, d *hashedDir) error {
	f, err := fsx.OpenDir(d.path)
	if err != nil {
		return err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return err
	}
	if d.meta, err = hashDirMeta(f, h.opts); err != nil {
		return fmt.Errorf("%s: %w", d.path, err)
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	d.files = make([]DirTreeFile, 0, len(entries))
	for _, e := range entries {
		path := d.path + "/" + e.Name()
		if e.IsDir() {
			sub := &hashedDir{path: path, name: e.Name()}
			d.dirs = append(d.dirs, sub)
			if err := h.scan(ctx, group, sub); err != nil {
				return err
			}
			continue
		}
		d.files = append(d.files, DirTreeFile{Name: e.Name()})
		file := &d.files[len(d.files)-1]
		group.Go(func() error {
			c, err := hashPath(ctx, path, h.opts, h.pools)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			file.Checksum = c
			return nil
		})
	}
	return nil
}

// finish makes the dirtrees, from the leaves up.
func (h *dirHasher) finish(d *hashedDir) (TreeID, error) {
	t := &DirTree{Files: d.files}
	for _, sub := range d.dirs {
		id, err := h.finish(sub)
		if err != nil {
			return TreeID{}, err
		}
		t.Dirs = append(t.Dirs, DirTreeDir{Name: sub.name, Tree: id})
	}
	data, err := encodeDirTree(t)
	if err != nil {
		return TreeID{}, fmt.Errorf("%s: %w", d.path, err)
	}
	c := Checksum(sha256.Sum256(data))
	h.trees[c] = t
	return TreeID{Contents: c, Meta: d.meta}, nil
}
