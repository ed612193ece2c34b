package container

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
)

// Flatten makes of what was imported from an image a commit that knows nothing of the
// image, for another image to be made of it.
func Flatten(ctx context.Context, repo *ostree.Repo, merged ostree.Checksum) (c ostree.Checksum, err error) {
	commit, err := repo.LoadCommit(ctx, merged)
	if err != nil {
		return c, err
	}
	for _, key := range oci.ImageMetadata() {
		commit.Metadata.Delete(key)
	}
	err = repo.Update(ctx, func(w *ostree.Writer) error {
		if c, err = w.WriteCommit(ctx, *commit); err != nil {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: "flat"}, c)
	})
	return c, err
}
