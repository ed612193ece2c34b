package live

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Unmodified picks the paths of /etc that are in one of two states: as in the old defaults or, if a run
// was interrupted, as in the new ones already.
func Unmodified(etc *os.Root, old fs.ReadLinkFS, paths []string) ([]string, error) {
	var out []string
	for _, name := range paths {
		equal, err := same(etc, old, name)
		if err != nil {
			return nil, err
		}
		if equal {
			out = append(out, name)
		}
	}
	return out, nil
}

// MergeEtc gives paths of /etc their new defaults, where they are as their old defaults were. Those in
// which they differ from both stay: somebody changed them meanwhile.
func MergeEtc(ctx context.Context, etc *os.Root, old, next fs.ReadLinkFS, paths []string) error {
	paths = slices.Clone(paths)
	slices.Sort(paths)
	todo, err := Unmodified(etc, old, paths)
	if err != nil {
		return err
	}
	return Converge(ctx, etc, next, slices.DeleteFunc(todo, func(name string) bool { return inTheWay(etc, next, name, todo) }), func(int) {})
}

// inTheWay tells whether a new default does not fit what somebody made of its surroundings: its directory
// is gone, or a directory, which may have files of others, is where a file is to be.
func inTheWay(etc *os.Root, next fs.ReadLinkFS, name string, todo []string) bool {
	there, err := next.Lstat(name)
	if err != nil {
		return false // to be removed
	}
	if here, err := etc.Lstat(name); err == nil && here.IsDir() && !there.IsDir() {
		return true
	}
	dir := path.Dir(name)
	here, err := etc.Stat(dir)
	return !slices.Contains(todo, dir) && (err != nil || !here.IsDir())
}

// same tells whether a path on disk is what it is in a tree, or is in neither.
func same(root *os.Root, tree fs.ReadLinkFS, name string) (bool, error) {
	here, herr := root.Lstat(name)
	there, terr := tree.Lstat(name)
	hereNot, thereNot := isMissing(herr), isMissing(terr)
	switch {
	case hereNot || thereNot:
		return hereNot == thereNot, nil
	case herr != nil || terr != nil:
		return false, errors.Join(herr, terr)
	}
	meta, ok := there.Sys().(*ostree.FileInfo)
	uid, gid := etcmerge.OwnerOnDisk(here)
	if !ok || here.Mode() != there.Mode() || uid != meta.UID || gid != meta.GID {
		return false, nil
	}
	switch {
	case here.IsDir():
		return true, nil
	case here.Mode()&fs.ModeSymlink != 0:
		a, aerr := root.Readlink(name)
		b, berr := tree.ReadLink(name)
		return a == b, errors.Join(aerr, berr)
	}
	if here.Size() != there.Size() {
		return false, nil
	}
	a, aerr := root.ReadFile(name)
	b, berr := fs.ReadFile(tree, name)
	return bytes.Equal(a, b), errors.Join(aerr, berr)
}
