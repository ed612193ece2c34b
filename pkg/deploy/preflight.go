package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// The space that is left free for what is not counted: entries, configurations, directories.
const slack = 1 << 20

// Above these, the root file system has room for any tree of hard links, and nothing is counted.
const (
	plentyBytes  = 4 << 30
	plentyInodes = 1 << 20
)

// preflight finds out, before anything is written, whether all of it can be.
func (j *job) preflight(ctx context.Context, list []Deployment) error {
	s := j.sysroot
	if err := s.writable(true); err != nil {
		return err
	}
	if err := j.checkRoot(ctx); err != nil {
		return err
	}
	w := &writer{sysroot: s, old: j.state.final(), list: number(notStaged(list)), boot: j.state.boot}
	_, err := w.room(ctx, j)
	return err
}

// writable reports a file system that is mounted read-only, though deployments or, if they are to change, boot entries
// are on it.
func (s *Sysroot) writable(entries bool) error {
	dirs := []string{filepath.Join(s.path, "ostree/deploy")}
	if entries {
		dirs = append(dirs, s.bootPath(), s.bootPartition())
		loader, err := s.bootloader()
		if p, ok := loader.(partitioned); ok && err == nil {
			dirs = append(dirs, p.Partition())
		}
	}
	for _, dir := range dirs {
		err := unix.Access(dir, unix.W_OK)
		switch {
		case errors.Is(err, unix.EROFS):
			return &ReadOnlyError{Path: dir}
		case err != nil && !errors.Is(err, unix.ENOENT):
			return &fs.PathError{Op: "access", Path: dir, Err: err}
		}
	}
	return nil
}

// checkRoot makes sure that the file system of the deployments has room for a tree whose files are
// hard links, but not its directories and not /etc; in a repository that is not bare they are copies.
func (j *job) checkRoot(ctx context.Context) error {
	s := j.sysroot
	have, err := freeSpace(filepath.Join(s.path, "ostree/deploy"))
	if err != nil {
		return err
	}
	bare := s.repo.Mode() == ostree.ModeBare
	if bare && have.bytes > plentyBytes && (have.inodes > plentyInodes || !have.hasInodes) {
		return nil
	}
	tree, err := s.repo.FSTree(ctx, j.in.commit.Tree)
	if err != nil {
		return err
	}
	need := demand{block: have.block}
	if err := need.addTree(ctx, tree, ".", !bare); err != nil {
		return err
	}
	for _, etc := range []string{"usr/etc", "etc"} {
		if err := need.addTree(ctx, tree, etc, true); err != nil && !isMissing(err) {
			return err
		}
	}
	if err := j.addLocalEtc(ctx, &need); err != nil {
		return err
	}
	if j.wantsImage() {
		size := new(byteCount)
		if _, err := s.repo.Composefs(ctx, j.in.commit.Tree, size, j.imageOptions()); err != nil {
			return err
		}
		need.addFile(int64(*size))
	}
	need.bytes += slack
	return s.enough(filepath.Join(s.path, "ostree/deploy"), need, have, j.state.removable(j.list()))
}

// addLocalEtc counts what the merge copies.
func (j *job) addLocalEtc(ctx context.Context, need *demand) error {
	if j.merge == nil || j.in.etc == etcNone {
		return nil
	}
	if _, err := os.Lstat(j.merge.Path + "/usr/etc"); isMissing(err) {
		return nil
	}
	changes, err := j.sysroot.DiffEtc(ctx, *j.merge)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if c.Kind == etcmerge.Removed {
			continue
		}
		info, err := os.Lstat(filepath.Join(j.merge.Path, "etc", c.Path))
		if err != nil {
			return err
		}
		need.addFile(info.Size())
	}
	return nil
}

// byteCount counts what is written to it.
type byteCount int64

func (n *byteCount) Write(p []byte) (int, error) {
	*n += byteCount(len(p))
	return len(p), nil
}

// demand is what is going to be written.
type demand struct{ bytes, inodes, block int64 }

// addTree counts directories and, if they are copied, files.
func (n *demand) addTree(ctx context.Context, tree fs.FS, dir string, files bool) error {
	return fs.WalkDir(tree, dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		switch {
		case e.IsDir():
			n.addFile(n.block)
		case files:
			info, err := e.Info()
			if err != nil {
				return err
			}
			n.addFile(info.Size())
		}
		return nil
	})
}

func (n *demand) addFile(size int64) {
	n.bytes += (size + n.block - 1) / n.block * n.block
	n.inodes++
}

// space is what a file system has left.
type space struct {
	bytes, inodes, block int64
	// hasInodes is false for file systems that make them as needed.
	hasInodes bool
}

func freeSpace(dir string) (space, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return space{}, &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return space{
		bytes: int64(st.Bfree) * st.Bsize, inodes: int64(st.Ffree), block: max(st.Bsize, 1), hasInodes: st.Files > 0,
	}, nil
}

// enough compares, and says what is missing.
func (s *Sysroot) enough(dir string, need demand, have space, removable []string) error {
	e := &SpaceError{Path: dir, Removable: removable}
	if need.bytes > have.bytes {
		e.Need, e.Free = need.bytes, have.bytes
	}
	if have.hasInodes && need.inodes > have.inodes {
		e.NeedFiles, e.FreeFiles = need.inodes, have.inodes
	}
	if e.Need == 0 && e.NeedFiles == 0 {
		return nil
	}
	return e
}

// removable names what the user could remove to make room: deployments that a change would keep,
// though nothing forces it to.
func (st *state) removable(list []Deployment) []string {
	var names []string
	for _, d := range st.deployments {
		for _, kept := range list {
			if d.Same(kept) && !d.Booted {
				names = append(names, fmt.Sprintf("%d (%s %s)", d.Index, d.Stateroot, d.Name()[:12]))
			}
		}
	}
	return names
}

// final is the state without the staged deployment.
func (st *state) final() *state {
	return &state{boot: st.boot, sub: st.sub, deployments: notStaged(st.deployments)}
}

// treeOf opens the tree of a deployment: that of the commit as long as it is not checked out.
func (w *writer) treeOf(ctx context.Context, d Deployment, j *job) (tree fs.FS, done func() error, err error) {
	if j != nil && d.Same(j.deployment) {
		tree, err := w.sysroot.repo.FSTree(ctx, j.in.commit.Tree)
		return tree, func() error { return nil }, err
	}
	root, err := os.OpenRoot(d.Path)
	if err != nil {
		return nil, nil, err
	}
	return root.FS(), root.Close, nil
}
