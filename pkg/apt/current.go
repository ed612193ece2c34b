package apt

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// current is a release as its archive has it now, verified.
type current struct {
	source  source.Release
	release *archive.Release
}

// releases verifies the releases of sources, for whoever reads other indexes than the lists of packages.
// What the client remembers of them stays as it is: that belongs to the lists.
func (c *Client) releases(ctx context.Context, sources []source.Source) ([]current, error) {
	list, err := source.Releases(sources, c.options.Architecture, c.options.ForeignArchitectures)
	if err != nil {
		return nil, err
	}
	all := make([]current, len(list))
	failed := make([]error, len(list))
	keys := newKeyrings(c.options.Root)
	var group errgroup.Group
	group.SetLimit(parallelReleases)
	for i, r := range list {
		group.Go(func() error {
			r, err := c.snapshot(ctx, r, keys)
			if err != nil {
				failed[i] = nameArchive(r, err)
				return nil
			}
			v, err := c.refresh(ctx, r, keys)
			if err != nil {
				failed[i] = nameArchive(r, err)
				return nil
			}
			all[i] = current{r, v.release}
			return nil
		})
	}
	if err := errors.Join(group.Wait(), errors.Join(failed...)); err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	return all, nil
}

// newOrigin describes a component of a release.
func newOrigin(r source.Release, release *archive.Release, component string) *Origin {
	o := &Origin{
		URI: r.URI, Suite: release.Suite, Codename: release.Codename, Component: component, Label: release.Label,
		Origin: release.Origin, Version: release.Version, NotAutomatic: release.NotAutomatic, ButAutomaticUpgrades: release.ButAutomaticUpgrades,
	}
	if o.Suite == "" && o.Codename == "" {
		o.Suite = strings.Trim(r.Suite, "./")
	}
	return o
}
