package oci

import (
	"context"
	"fmt"
	"path"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// content is a file object of a commit and where it is, in the order of the tree.
type content struct {
	sum   ostree.Checksum
	info  ostree.FileInfo
	paths []string // from the root, without leading slash
}

// directory is a directory of a commit.
type directory struct {
	path string // empty for the root
	meta ostree.DirMeta
	tree ostree.TreeID
}

// contents is what a commit is made of.
type contents struct {
	repo  *ostree.Repo
	files []*content
	dirs  []directory
	known map[ostree.Checksum]*content
	metas map[ostree.Checksum]ostree.DirMeta
}

// readContents walks a commit: the files of a directory come before what is in its
// directories, both by name.
func readContents(ctx context.Context, repo *ostree.Repo, commit *ostree.Commit) (*contents, error) {
	c := &contents{repo: repo, known: make(map[ostree.Checksum]*content), metas: make(map[ostree.Checksum]ostree.DirMeta)}
	if err := c.walk(ctx, "", commit.Tree, 0); err != nil {
		return nil, err
	}
	return c, c.check()
}

// check refuses a tree in which a container would show two things at one path.
func (c *contents) check() error {
	top := make(map[string]bool)
	for _, d := range c.dirs {
		top[d.path] = true
	}
	if top["etc"] && top["usr/etc"] {
		return fmt.Errorf("the commit has both /etc and /usr/etc; a container can show one only")
	}
	return nil
}

func (c *contents) walk(ctx context.Context, name string, id ostree.TreeID, depth int) error {
	if depth > ostree.MaxTreeDepth {
		return fmt.Errorf("%s: deeper than %d directories", name, ostree.MaxTreeDepth)
	}
	tree, err := c.repo.LoadDirTree(ctx, id.Contents)
	if err != nil {
		return err
	}
	meta, ok := c.metas[id.Meta]
	if !ok {
		if meta, err = c.repo.LoadDirMeta(ctx, id.Meta); err != nil {
			return err
		}
		c.metas[id.Meta] = meta
	}
	c.dirs = append(c.dirs, directory{name, meta, id})
	for _, f := range tree.Files {
		if err := c.file(ctx, path.Join(name, f.Name), f.Checksum); err != nil {
			return err
		}
	}
	for _, d := range tree.Dirs {
		if err := c.walk(ctx, path.Join(name, d.Name), d.Tree, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (c *contents) file(ctx context.Context, name string, sum ostree.Checksum) error {
	if have, ok := c.known[sum]; ok {
		have.paths = append(have.paths, name)
		return nil
	}
	info, err := c.repo.FileInfo(ctx, sum)
	if err != nil {
		return err
	}
	add := &content{sum, info, []string{name}}
	c.known[sum] = add
	c.files = append(c.files, add)
	return nil
}
