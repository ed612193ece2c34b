package ostree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/composefs"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// MetadataComposefs is the key of the fs-verity digest of the composefs image of
// a commit's tree (ay, 32 bytes), see [Repo.Composefs].
const MetadataComposefs = "ostree.composefs.digest.v0"

// ComposefsOptions say what is in a composefs image. The zero value is what
// [MetadataComposefs] means.
type ComposefsOptions struct {
	// NoVerity leaves out the digests of files. The image then does not vouch for
	// their content, but the content of no file is read.
	NoVerity bool
}

// A ComposefsError says that the image of a commit is not the one that its
// metadata promise.
type ComposefsError struct {
	Commit    Checksum
	Want, Got composefs.Digest
}

// Error implements error.
func (e *ComposefsError) Error() string {
	return fmt.Sprintf("commit %s: the composefs image has the digest %s, the metadata %s want %s", e.Commit, e.Got, MetadataComposefs, e.Want)
}

// Composefs writes the composefs image of a tree and returns its digest. Content
// is found below the repository's directory "objects", so only an image of a
// repository of mode bare, bare-user or bare-user-only can be mounted; the image is
// the same for every mode. A file named .ostree-wh.NAME is an overlay's whiteout of
// NAME. What an image cannot hold gives a [*composefs.NodeError].
//
// All files are read for their digests, unless the kernel already has them; several
// at a time.
func (r *Repo) Composefs(ctx context.Context, id TreeID, out io.Writer, o ComposefsOptions) (composefs.Digest, error) {
	return writeComposefs(ctx, r.store, id, out, o)
}

// Composefs is like [Repo.Composefs].
func (w *Writer) Composefs(ctx context.Context, id TreeID, out io.Writer, o ComposefsOptions) (composefs.Digest, error) {
	if err := w.begin(ctx); err != nil {
		return composefs.Digest{}, err
	}
	return writeComposefs(ctx, w.store, id, out, o)
}

// SetComposefs notes the digest of the image of a commit's tree. The entries get
// the order that ostree commit --generate-composefs-metadata gives them.
func (m *Metadata) SetComposefs(d composefs.Digest) {
	m.Set(MetadataComposefs, gvariant.Bytes(d[:]))
	m.hashOrder()
}

// Composefs returns the digest that [Metadata.SetComposefs] notes, and false if
// there is none.
func (m Metadata) Composefs() (composefs.Digest, bool, error) {
	value, ok := m.Lookup(MetadataComposefs)
	if !ok {
		return composefs.Digest{}, false, nil
	}
	data, err := value.Bytes()
	if err == nil && len(data) != len(composefs.Digest{}) {
		err = fmt.Errorf("%d bytes are no SHA-256 digest", len(data))
	}
	if err != nil {
		return composefs.Digest{}, false, corrupt(MetadataComposefs, err)
	}
	return composefs.Digest(data), true, nil
}

// CheckoutComposefs writes the composefs image of a commit to a file, which it
// replaces. If the metadata of the commit have a digest the image must have that;
// else the error is a [*ComposefsError] and the file stays as it was. With NoVerity
// that is not compared, since the image is another one. The kernel guards the file
// with fs-verity if ex-integrity.fsverity of the repository says so.
func (r *Repo) CheckoutComposefs(ctx context.Context, c Checksum, dst string, o ComposefsOptions) (composefs.Digest, error) {
	commit, err := r.LoadCommit(ctx, c)
	if err != nil {
		return composefs.Digest{}, err
	}
	want, check, err := commit.Metadata.Composefs()
	if err != nil {
		return want, fmt.Errorf("commit %s: %w", c, err)
	}
	var got composefs.Digest
	err = fsx.ReplaceFile(dst, 0o644, func(f *os.File) error {
		if got, err = r.Composefs(ctx, commit.Tree, f, o); err != nil {
			return err
		}
		if check && !o.NoVerity && got != want {
			return &ComposefsError{Commit: c, Want: want, Got: got}
		}
		return nil
	}, r.guardImage)
	if err != nil {
		return got, fmt.Errorf("checkout to %s: %w", dst, err)
	}
	return got, nil
}

// guardImage enables fs-verity for a file that nobody writes to any more.
func (r *Repo) guardImage(f *os.File) error {
	if r.settings.verity == verityNo {
		return nil
	}
	err := composefs.Enable(f)
	if errors.Is(err, composefs.ErrUnsupported) && r.settings.verity == verityMaybe {
		return nil
	}
	return verityError(err)
}
