package assemble

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// A Checkout is a directory with the tree of a commit, on the file system of the repository, that
// its owner may rename to where it is wanted.
type Checkout struct {
	// Dir is as [ostree.Repo.CheckoutTree] with [ostree.CheckoutOptions].PassthroughWhiteouts makes it.
	Dir string

	scratch *scratch
}

// Close removes what is left of it.
func (c *Checkout) Close() error { return c.scratch.remove() }

// checkout makes the directory below the layers, which most of the result is like, into a checkout of
// the result. It returns nil if there is nothing to begin with, or if it would be another kind of
// checkout.
func (b *builder) checkout(ctx context.Context, result *Result) (*Checkout, error) {
	if !b.in.KeepCheckout || b.lower == (ostree.TreeID{}) || result.Fold.Whiteouts {
		return nil, nil
	}
	lower := b.cage.path(b.cage.lower)
	if err := b.in.Repo.ChangeCheckout(ctx, lower, b.lower, result.Tree); err != nil {
		return nil, err
	}
	s, err := newScratch(filepath.Dir(b.cage.dir))
	if err != nil {
		return nil, err
	}
	c := &Checkout{Dir: filepath.Join(s.dir, "tree"), scratch: s}
	if err := os.Rename(lower, c.Dir); err != nil {
		return nil, b.tidy(fmt.Errorf("keep the checkout: %w", err), c.Close())
	}
	return c, nil
}
