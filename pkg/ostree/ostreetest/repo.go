package ostreetest

import (
	"context"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Timestamp is the time of commits made by [Commit].
func Timestamp() time.Time { return time.Unix(1700000000, 0).UTC() }

// Repo makes an empty repository that is closed with the test.
func Repo(t testing.TB, mode ostree.Mode) *ostree.Repo {
	t.Helper()
	r, err := ostree.Init(filepath.Join(t.TempDir(), "repo"), mode, ostree.Options{NoSync: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// Open opens another handle on a repository, closed with the test.
func Open(t testing.TB, dir string) *ostree.Repo {
	t.Helper()
	r, err := ostree.Open(dir, ostree.Options{NoSync: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// Commit commits a tree. If ref is not empty it is made to point to the commit,
// and what it pointed to becomes the parent.
func Commit(t testing.TB, r *ostree.Repo, ref string, tree Tree) ostree.Checksum {
	t.Helper()
	return CommitTree(t, r, ref, func(ctx context.Context, w *ostree.Writer) (*ostree.Tree, error) {
		return Build(ctx, w, tree)
	})
}

// CommitTree commits what a function builds, like [Commit].
func CommitTree(t testing.TB, r *ostree.Repo, ref string, build func(context.Context, *ostree.Writer) (*ostree.Tree, error)) ostree.Checksum {
	t.Helper()
	ctx := t.Context()
	commit := ostree.Commit{Subject: "test", Timestamp: Timestamp()}
	if ref != "" {
		refs, err := r.Refs(ctx, "")
		require.NoError(t, err)
		commit.Parent = refs[ostree.Refspec{Ref: ref}]
	}
	var c ostree.Checksum
	require.NoError(t, r.Update(ctx, func(w *ostree.Writer) error {
		tree, err := build(ctx, w)
		if err != nil {
			return err
		}
		if commit.Tree, err = w.WriteTree(ctx, tree); err != nil {
			return err
		}
		if c, err = w.WriteCommit(ctx, commit); err != nil || ref == "" {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: ref}, c)
	}))
	return c
}

// Build writes the files of a tree and returns it for [ostree.Writer.WriteTree].
func Build(ctx context.Context, w *ostree.Writer, tree Tree) (*ostree.Tree, error) {
	root := Dir()
	if e, ok := tree[""]; ok {
		root = e
	}
	t := ostree.NewTree(root.dirMeta())
	for _, p := range tree.paths() {
		if err := add(ctx, w, t, "/"+p, tree[p]); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func add(ctx context.Context, w *ostree.Writer, t *ostree.Tree, p string, e Entry) error {
	if err := t.MkdirAll(path.Dir(p), Dir().dirMeta()); err != nil {
		return err
	}
	if e.IsDir() {
		return t.Mkdir(p, e.dirMeta())
	}
	c, err := w.WriteFile(ctx, e.fileInfo(), strings.NewReader(e.Content))
	if err != nil {
		return err
	}
	return t.SetFile(p, c)
}

// paths lists directories before what is in them, without the root.
func (t Tree) paths() []string {
	var paths []string
	for p := range t {
		if p != "" {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}
