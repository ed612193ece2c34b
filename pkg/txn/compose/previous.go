package compose

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// previous is the commit that a compose is compared with.
type previous struct {
	sum    ostree.Checksum
	object *ostree.Commit
}

// planBefore finds the commits that the new one follows and is compared with.
func (c *Composer) planBefore(ctx context.Context, p *Plan) error {
	if err := c.planParent(ctx, p); err != nil {
		return err
	}
	return c.planPrevious(ctx, p)
}

// planPrevious finds the commit to compare with: the parent unless the options name another one.
func (c *Composer) planPrevious(ctx context.Context, p *Plan) error {
	if c.opts.Previous == "" {
		if p.parent != nil {
			p.previous = &previous{p.Parent, p.parent}
		}
		return nil
	}
	sum, err := c.opts.Repo.Resolve(ctx, c.opts.Previous)
	if err != nil {
		return err
	}
	object, err := c.opts.Repo.LoadCommit(ctx, sum)
	p.previous = &previous{sum, object}
	return err
}

// before gives the version and the input hash to compare with, "" where there is none.
func (c *Composer) before(p *Plan) (version, hash string) {
	if p.previous != nil {
		version = p.previous.object.Metadata.Str(ostree.MetadataVersion)
		hash = p.previous.object.Metadata.Str(keyInputHash)
	}
	if c.opts.PreviousVersion != "" {
		version = c.opts.PreviousVersion
	}
	if c.opts.PreviousInputHash != "" {
		hash = c.opts.PreviousInputHash
	}
	return version, hash
}
