package container

import (
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
)

// Initialize says what is expected at the place of a new image.
type Initialize string

// The expectations. Where an image is there, but for Always, the new one is divided alike.
const (
	Query       Initialize = "query"         // an image must be there
	IfNotExists Initialize = "if-not-exists" // one may be there
	Always      Initialize = "always"        // whatever is there is overwritten
	Never       Initialize = "never"         // nothing may be there
)

// Published is what became of Publish.
type Published struct {
	*oci.Exported
	// Unchanged says that the image there already carries the commit; nothing was written.
	Unchanged bool
	// Reused are layers, and their bytes, that the image there has as well.
	Reused     int
	ReusedSize int64
}

// ExistsError says that there is an image where none was expected.
type ExistsError struct{ Location oci.Location }

func (e *ExistsError) Error() string { return fmt.Sprintf("image %s exists already", e.Location) }

// Publish writes a commit as the next version of the image at a location.
func Publish(ctx context.Context, repo *ostree.Repo, commit ostree.Checksum, to oci.Location, mode Initialize, opts oci.ExportOptions) (*Published, error) {
	previous, err := previousImage(ctx, to, mode, opts.Options)
	if err != nil {
		return nil, err
	}
	if previous == nil {
		exported, err := Encapsulate(ctx, repo, commit, to, opts)
		return &Published{Exported: exported}, err
	}
	defer previous.Close() //nolint:errcheck // opened for reading
	if previous.Commit() == commit {
		return &Published{Exported: &oci.Exported{Digest: previous.Digest, Layers: previous.Layers()}, Unchanged: true}, nil
	}
	had := make(map[string]bool)
	for _, l := range previous.Layers() {
		had[l.Digest] = true
	}
	opts.Previous = previous.Division()
	exported, err := Encapsulate(ctx, repo, commit, to, opts)
	if err != nil {
		return nil, err
	}
	published := &Published{Exported: exported}
	for _, l := range exported.Layers {
		if had[l.Digest] {
			published.Reused++
			published.ReusedSize += l.Size
		}
	}
	return published, nil
}

// previousImage opens the image that is to be followed; nil if there is none.
func previousImage(ctx context.Context, at oci.Location, mode Initialize, opts oci.Options) (*oci.Image, error) {
	if mode == Always {
		return nil, nil
	}
	image, err := oci.Open(ctx, at, opts)
	switch {
	case errors.Is(err, oci.ErrNotFound) && (mode == Never || mode == IfNotExists):
		return nil, nil
	case err != nil:
		return nil, err
	case mode == Never:
		return nil, errors.Join(&ExistsError{at}, image.Close())
	}
	return image, nil
}
