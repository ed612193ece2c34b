package assemble

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// A ContentLayer is a tree that is put over the packages as it is.
type ContentLayer struct {
	// Name is for messages.
	Name string
	// Tree is in the repository of the build. What is in its /usr/etc goes to
	// /etc.
	Tree ostree.TreeID
	// Override allows its files to replace others, which is an error else.
	Override bool
}

// addContent puts the layers of the input over the configured packages.
// Directories that are there already stay as they are.
func (b *builder) addContent(ctx context.Context) error {
	if len(b.in.Content) == 0 {
		return nil
	}
	return b.settleWith(ctx, func(w *ostree.Writer, tree *ostree.Tree) error {
		for _, l := range b.in.Content {
			if err := l.addTo(ctx, w, tree); err != nil {
				return fmt.Errorf("layer %s: %w", l.Name, err)
			}
		}
		return nil
	})
}

func (l ContentLayer) addTo(ctx context.Context, w *ostree.Writer, tree *ostree.Tree) error {
	from, err := w.LoadTree(ctx, l.Tree)
	if err != nil {
		return err
	}
	if from.Exists("usr/etc") {
		if from.Exists("etc") {
			return fmt.Errorf("both /etc and /usr/etc are there")
		}
		if err := from.Move("usr/etc", "etc"); err != nil {
			return err
		}
	}
	err = from.Walk(".", func(name string, e ostree.Entry) error {
		if !tree.Exists(name) {
			if e.Dir { // nothing below it is there either
				return fs.SkipDir
			}
			return nil
		}
		there, err := tree.Lookup(name)
		switch {
		case err != nil:
			return err
		case there.Dir && e.Dir:
			return from.SetMeta(name, there.Meta)
		case there.Dir != e.Dir, !l.Override && there.File != e.File:
			return fmt.Errorf("/%s is in the tree already", name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.AddTree(ctx, tree, "/", from, ostree.AddOptions{})
}
