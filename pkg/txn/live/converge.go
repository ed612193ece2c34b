package live

import (
	"context"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Changed lists the paths in which trees differ from the final one, sorted, without the slash in front.
func Changed(ctx context.Context, repo *ostree.Repo, final ostree.Checksum, from ...ostree.Checksum) ([]string, error) {
	to, err := repo.LoadCommit(ctx, final)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, c := range from {
		commit, err := repo.LoadCommit(ctx, c)
		if err != nil {
			return nil, err
		}
		entries, err := repo.Diff(ctx, commit.Tree, to.Tree)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			paths = append(paths, strings.TrimPrefix(e.Path, "/"))
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// Below picks the paths below a directory and takes it off them.
func Below(paths []string, dir string) []string {
	var out []string
	for _, p := range paths {
		if rest, ok := strings.CutPrefix(p, dir+"/"); ok {
			out = append(out, rest)
		}
	}
	return out
}

// Converge makes paths what they are in a tree, whatever they are now: first what is there, so that
// nothing new lacks what it needs, then what is gone. Paths are sorted and relative to root and tree.
func Converge(ctx context.Context, root *os.Root, tree fs.ReadLinkFS, paths []string, done func(i int)) error {
	var gone []string
	for i, name := range paths {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := tree.Lstat(name)
		switch {
		case isMissing(err):
			gone = append(gone, name)
			continue
		case err == nil:
			err = put(root, name, tree)
		}
		if err != nil {
			return err
		}
		done(i)
	}
	for _, name := range slices.Backward(gone) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := remove(root, name); err != nil {
			return err
		}
	}
	done(len(paths))
	return nil
}
