package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// ExportOptions say how a commit becomes an image. The zero value puts everything
// in one layer.
type ExportOptions struct {
	Options
	// Owner names the component of a file, by its path in the commit without leading
	// slash; "" is [Unowned]. Nil puts everything in one layer.
	Owner func(path string) string
	// Components describe what Owner names. One that is not among them counts as
	// always changing.
	Components []Component
	// MaxLayers bounds the number of layers; 0 means [DefaultMaxLayers].
	MaxLayers int
	// Previous is how an earlier image was divided, see [Image.Division]. It is kept,
	// so that layers stay the same whose components did.
	Previous Division
	// FormatVersion 1 leaves directories to the first layer, 2 writes them in each
	// layer above its files. 0 means 1.
	FormatVersion int

	// Labels are added to those that the commit gives, and win over them.
	Labels map[string]string
	// CopyMeta are keys of the commit's metadata that become labels; they must be
	// strings. A key of CopyMetaOptional may be missing.
	CopyMeta, CopyMetaOptional []string
	// Config is the JSON text of a container configuration (Env, Cmd, Labels and so
	// on, as in the "config" of an OCI image configuration) to start from.
	Config []byte
	// Cmd is the command of the container, instead of that of Config.
	Cmd []string
	// Architecture as OCI names it, such as arm64; by default that of the commit's
	// metadata, or of this program.
	Architecture string
	// Created dates the image; zero means as the commit.
	Created time.Time
	// WorkDir is where an image for an archive or registry is put together; by
	// default the directory of the archive, or /var/tmp.
	WorkDir string
	// Progress, if set, is told of each layer that is finished, one at a time.
	Progress func(done, total int, l Layer)
}

// Exported is an image that was written.
type Exported struct {
	Digest string  `json:"digest"` // of the manifest, which names the image
	Layers []Layer `json:"layers"`
}

// Export writes a commit as a container image. A layout that exists gets one more
// image, or another one under the same tag. The commit's parents do not travel.
func Export(ctx context.Context, repo *ostree.Repo, commit ostree.Checksum, to Location, opts ExportOptions) (*Exported, error) {
	exported, err := export(ctx, repo, commit, to, opts)
	if err != nil {
		return nil, fmt.Errorf("export commit %s to %s: %w", commit, to, err)
	}
	return exported, nil
}

func export(ctx context.Context, repo *ostree.Repo, commit ostree.Checksum, to Location, opts ExportOptions) (*Exported, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	path, tag := to.pathAndTag()
	if to.Transport == Layout {
		return exportLayout(ctx, repo, commit, path, tag, &opts)
	}
	work := opts.WorkDir
	if work == "" {
		work = "/var/tmp"
		if to.Transport == Archive {
			work = filepath.Dir(path)
		}
	}
	dir, err := os.MkdirTemp(work, ".oci-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory; the image is elsewhere
	if to.Transport == Archive {
		exported, err := exportLayout(ctx, repo, commit, dir, tag, &opts)
		if err != nil {
			return nil, err
		}
		return exported, archiveLayout(ctx, dir, path)
	}
	exported, err := exportLayout(ctx, repo, commit, dir, "", &opts)
	if err != nil {
		return nil, err
	}
	return exported, push(ctx, dir, exported.Digest, to, opts.Options)
}

func (o *ExportOptions) check() error {
	switch {
	case o.FormatVersion < 0 || o.FormatVersion > 2:
		return fmt.Errorf("format version %d is unknown; known are 1 and 2", o.FormatVersion)
	case o.MaxLayers < 0:
		return errors.New("the number of layers cannot be negative")
	}
	return nil
}

// exportLayout writes an image into an OCI layout.
func exportLayout(ctx context.Context, repo *ostree.Repo, c ostree.Checksum, dir, tag string, opts *ExportOptions) (*Exported, error) {
	commit, err := repo.LoadCommit(ctx, c)
	if err != nil {
		return nil, err
	}
	if partial, err := repo.IsPartial(c); err != nil || partial {
		return nil, errors.Join(err, errors.New("the repository has only a part of the commit"))
	}
	all, err := readContents(ctx, repo, commit)
	if err != nil {
		return nil, err
	}
	store, err := openLayoutStore(dir)
	if err != nil {
		return nil, err
	}
	layers, err := writeLayers(ctx, store, c, all, opts)
	if err != nil {
		return nil, err
	}
	config, labels, err := opts.config(commit, c, layers)
	if err != nil {
		return nil, err
	}
	manifest, err := writeManifest(store, config, layers, labels)
	if err != nil {
		return nil, err
	}
	return &Exported{Digest: manifest.Digest.String(), Layers: layers}, store.setTag(tag, *manifest)
}

// writeLayers writes that of the commit and the chunks, as many at a time as there
// are processors.
func writeLayers(ctx context.Context, store *layoutStore, c ostree.Checksum, all *contents, opts *ExportOptions) ([]Layer, error) {
	parts, rest := opts.divide(all)
	layers := make([]Layer, 1+len(parts))
	tasks, ctx := errgroup.WithContext(ctx)
	tasks.SetLimit(runtime.GOMAXPROCS(0))
	var mu sync.Mutex
	done := 0
	for i := range layers {
		tasks.Go(func() error {
			l, err := store.layer(func(w io.Writer) error {
				writer := newLayerWriter(ctx, w, all, opts.FormatVersion)
				if i == 0 {
					return writer.commit(c, rest)
				}
				return writer.chunk(parts[i-1].files)
			})
			if err != nil {
				return fmt.Errorf("layer %d: %w", i, err)
			}
			if i > 0 {
				l.Title, l.Components = parts[i-1].title(), parts[i-1].names
			}
			layers[i] = l
			mu.Lock()
			defer mu.Unlock()
			done++
			if opts.Progress != nil {
				opts.Progress(done, len(layers), l)
			}
			return nil
		})
	}
	return layers, tasks.Wait()
}

// divide gives the chunks, and what is to be in the layer of the commit.
func (o *ExportOptions) divide(all *contents) ([]chunk, []*content) {
	limit := o.MaxLayers
	if limit == 0 {
		limit = DefaultMaxLayers
	}
	if o.Owner == nil || limit == 1 {
		return nil, all.files
	}
	return chunks(all, o, limit-1), nil
}

// layer stores a layer.
func (s *layoutStore) layer(fill func(w io.Writer) error) (l Layer, err error) {
	err = s.create(func(f *os.File) (string, error) {
		l, err = writeLayer(f, fill)
		return l.Digest, err
	})
	return l, err
}
