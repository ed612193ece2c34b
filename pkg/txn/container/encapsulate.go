package container

import (
	"context"
	"errors"
	"io/fs"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
)

// Encapsulate writes a commit as an image like [oci.Export], with its packages in layers of
// their own. A commit without dpkg's database becomes a single layer.
func Encapsulate(ctx context.Context, repo *ostree.Repo, commit ostree.Checksum, to oci.Location, opts oci.ExportOptions) (*oci.Exported, error) {
	owners, err := ReadOwners(ctx, repo, commit)
	switch {
	case err == nil:
		opts.Owner, opts.Components = owners.Owner, owners.Components
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return oci.Export(ctx, repo, commit, to, opts)
}
