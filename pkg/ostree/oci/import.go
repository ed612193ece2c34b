package oci

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// ImportOptions say how an image is imported. The zero value is useful.
type ImportOptions struct {
	// Verification is what the commit in the image must be signed with; nil asks for
	// nothing. It does not reach layers that follow those of the commit, so an image
	// with such layers is then refused.
	Verification *ostree.Verification
	// Target names the image in the repository; by default the place it comes from.
	Target Location
	// NoRef leaves out the ref of the image. Those of the layers are set all the same.
	NoRef bool
	// Progress, if set, is told of each layer before it is fetched, and at the end.
	Progress func(p ImportProgress)
}

// ImportProgress says how far an import is.
type ImportProgress struct {
	Layer, Layers int   // finished, and to be fetched
	Bytes, Total  int64 // of them
}

// Imported is what became of an image.
type Imported struct {
	// Commit is the merge commit: the tree of all layers, with the manifest in its
	// metadata.
	Commit ostree.Checksum
	// Base is the commit that was put into the image.
	Base ostree.Checksum
	// Fetched are the layers that were not in the repository before.
	Fetched int
	// FetchedSize is their size in bytes.
	FetchedSize int64
}

// Missing lists the layers of the image that a repository does not have.
func (i *Image) Missing(ctx context.Context, repo *ostree.Repo) ([]Layer, error) {
	refs, err := repo.Refs(ctx, blobPrefix)
	if err != nil {
		return nil, err
	}
	var missing []Layer
	for _, l := range i.Layers() {
		if _, ok := refs[blobRef(l.Digest)]; !ok {
			missing = append(missing, l)
		}
	}
	return missing, nil
}

// Import brings an image into a repository. Layers that are there already are not
// fetched again; each that was fetched stays, should a later one fail. The image's
// own ref is set last, when the tree is complete.
//
// A layer that is refused is a [*LayerError].
func (i *Image) Import(ctx context.Context, repo *ostree.Repo, opts ImportOptions) (*Imported, error) {
	own, err := i.own()
	if err != nil {
		return nil, err
	}
	if opts.Verification.Needed() && own < len(i.manifest.Layers) {
		return nil, &FormatError{i.Location, "signature", fmt.Errorf("the commit's does not cover the %d layers on top of it", len(i.manifest.Layers)-own)}
	}
	run := &importer{image: i, repo: repo, opts: opts, own: own, commits: make([]ostree.Checksum, len(i.manifest.Layers))}
	missing, err := i.Missing(ctx, repo)
	if err != nil {
		return nil, err
	}
	run.progress.Layers = len(missing)
	for _, l := range missing {
		run.progress.Total += l.Size
	}
	return run.run(ctx)
}

// importer is one call of Import.
type importer struct {
	image    *Image
	repo     *ostree.Repo
	opts     ImportOptions
	own      int
	commits  []ostree.Checksum // of each layer
	progress ImportProgress
}

// run imports the chunks first, then the commit, so that it is complete when it
// appears, then what was derived from it.
func (r *importer) run(ctx context.Context) (*Imported, error) {
	for n := 1; n < r.own; n++ {
		if err := r.layer(ctx, n, r.chunk); err != nil {
			return nil, err
		}
	}
	if err := r.layer(ctx, 0, r.commit); err != nil {
		return nil, err
	}
	if err := r.checkBase(ctx); err != nil {
		return nil, err
	}
	for n := r.own; n < len(r.commits); n++ {
		if err := r.layer(ctx, n, r.derived); err != nil {
			return nil, err
		}
	}
	r.report()
	merged, err := r.merge(ctx)
	if err != nil {
		return nil, fmt.Errorf("merge the layers of image %s: %w", r.image.Location, err)
	}
	return &Imported{Commit: merged, Base: r.commits[0], Fetched: r.progress.Layer, FetchedSize: r.progress.Bytes}, nil
}

func (r *importer) report() {
	if r.opts.Progress != nil {
		r.opts.Progress(r.progress)
	}
}

// layer imports one layer with a function, unless the repository has it. A ref on its
// commit remembers that.
func (r *importer) layer(ctx context.Context, n int, read func(context.Context, *layerReader, *ostree.Writer) (ostree.Checksum, error)) error {
	descriptor := r.image.manifest.Layers[n]
	ref := blobRef(descriptor.Digest.String())
	have, err := r.repo.Resolve(ctx, ref.Ref)
	if err == nil {
		r.commits[n] = have
		return nil
	}
	if !errors.Is(err, ostree.ErrRefNotFound) {
		return err
	}
	r.report()
	in, err := r.image.openLayer(ctx, n)
	if err != nil {
		return err
	}
	err = r.repo.Update(ctx, func(w *ostree.Writer) error {
		c, err := read(ctx, in, w)
		if err != nil {
			return in.fail(err)
		}
		r.commits[n] = c
		return w.SetRef(ref, c)
	})
	if err := errors.Join(err, in.close()); err != nil {
		return err
	}
	r.progress.Layer++
	r.progress.Bytes += descriptor.Size
	return nil
}

// chunk imports a layer of file objects. Its commit is a list of them, which keeps
// them from being pruned.
func (r *importer) chunk(ctx context.Context, in *layerReader, w *ostree.Writer) (ostree.Checksum, error) {
	o := newObjectLayer(ctx, in, w, false)
	if err := o.read(); err != nil {
		return ostree.Checksum{}, err
	}
	list := ostree.NewTree(ostree.DirMeta{Mode: unix.S_IFDIR | 0o755})
	for _, c := range o.list() {
		if err := list.SetFile(c.String(), c); err != nil {
			return ostree.Checksum{}, err
		}
	}
	return writeCommit(ctx, w, list)
}

// commit imports the layer of the commit, which must be complete with it.
func (r *importer) commit(ctx context.Context, in *layerReader, w *ostree.Writer) (ostree.Checksum, error) {
	o := newObjectLayer(ctx, in, w, true)
	o.vouch = func(c ostree.Checksum, text []byte, detached ostree.Metadata) error {
		if want := r.image.Commit(); !want.IsZero() && want != c {
			return fmt.Errorf("has commit %s, but the label %s says %s", c, LabelCommit, want)
		}
		if !r.opts.Verification.Needed() {
			return nil
		}
		_, err := r.opts.Verification.VerifyCommit(ctx, c, text, detached)
		return err
	}
	if err := o.read(); err != nil {
		return ostree.Checksum{}, err
	}
	return o.found, o.complete()
}

// checkBase judges a commit that was in the repository before as one that was fetched.
func (r *importer) checkBase(ctx context.Context) error {
	base := r.commits[0]
	if want := r.image.Commit(); !want.IsZero() && want != base {
		return &FormatError{r.image.Location, "label " + LabelCommit, fmt.Errorf("it says %s, but the first layer has commit %s", want, base)}
	}
	if !r.opts.Verification.Needed() {
		return nil
	}
	_, err := r.repo.VerifyCommit(ctx, base, r.opts.Verification)
	return err
}

// writeCommit stores a commit that only keeps a tree; the same tree gives the same
// commit.
func writeCommit(ctx context.Context, w *ostree.Writer, t *ostree.Tree) (ostree.Checksum, error) {
	id, err := w.WriteTree(ctx, t)
	if err != nil {
		return ostree.Checksum{}, err
	}
	return w.WriteCommit(ctx, ostree.Commit{Tree: id, Timestamp: epoch})
}
