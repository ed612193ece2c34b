package compose

import (
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// Layer is a commit whose files are put over the packages.
type Layer struct {
	Ref      string          `json:"ref"`
	Commit   ostree.Checksum `json:"commit"`
	Override bool            `json:"override,omitempty"`
}

// planLayers resolves the layers of the treefile.
func (c *Composer) planLayers(ctx context.Context, p *Plan) error {
	tree := c.opts.Treefile
	for _, kind := range []struct {
		refs     []string
		override bool
	}{{tree.Layers, false}, {tree.OverrideLayers, true}} {
		for _, ref := range kind.refs {
			sum, _, err := c.findLayer(ctx, ref)
			if err != nil {
				return fmt.Errorf("layer %s: %w", ref, err)
			}
			p.Layers = append(p.Layers, Layer{ref, sum, kind.override})
		}
	}
	return nil
}

// findLayer looks for a commit in the repository for layers and then in the one that is composed to.
func (c *Composer) findLayer(ctx context.Context, rev string) (sum ostree.Checksum, repo *ostree.Repo, err error) {
	err = errors.New("there is no repository to take layers from")
	for _, repo := range []*ostree.Repo{c.opts.LayerRepo, c.opts.Repo} {
		if repo == nil {
			continue
		}
		if sum, err = repo.Resolve(ctx, rev); err == nil {
			_, err = repo.LoadCommit(ctx, sum)
		}
		if err == nil {
			return sum, repo, nil
		}
	}
	return sum, nil, err
}

// addContent brings the layers into the repository that a tree is made in. One that is installed already
// has them.
func (a *application) addContent(ctx context.Context, in *assemble.Input) error {
	if in.Tree != (ostree.TreeID{}) {
		return nil
	}
	repo := in.Repo
	for _, l := range a.plan.Layers {
		_, from, err := a.composer.findLayer(ctx, l.Commit.String())
		if err != nil {
			return fmt.Errorf("layer %s: %w", l.Ref, err)
		}
		if from != repo {
			err = repo.Update(ctx, func(w *ostree.Writer) error { return w.ImportCommit(ctx, from, l.Commit) })
			if err != nil {
				return fmt.Errorf("layer %s: %w", l.Ref, err)
			}
		}
		object, err := repo.LoadCommit(ctx, l.Commit)
		if err != nil {
			return fmt.Errorf("layer %s: %w", l.Ref, err)
		}
		in.Content = append(in.Content, assemble.ContentLayer{Name: l.Ref, Tree: object.Tree, Override: l.Override})
	}
	return nil
}
