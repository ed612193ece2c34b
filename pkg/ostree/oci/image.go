package oci

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// maxImageLayers bounds the layers of an image; runtimes take 128.
const maxImageLayers = 1024

// An Image is an image that was looked at: its manifest and configuration are here
// and verified against their digests, its layers are not.
type Image struct {
	Location Location
	// Digest names the manifest, and so the image.
	Digest string

	source       source
	manifestText []byte
	configText   []byte
	manifest     *v1.Manifest
	config       *v1.ConfigFile
}

// Open looks at an image. Layers are not fetched. Of an index of images the one for
// the architecture counts, and Digest is its.
func Open(ctx context.Context, l Location, opts Options) (*Image, error) {
	s, err := openSource(ctx, l, opts)
	if err != nil {
		return nil, err
	}
	i := &Image{Location: l, source: s}
	if err := i.load(ctx, cmp.Or(opts.Architecture, runtime.GOARCH)); err != nil {
		if !errors.Is(err, ErrNotFound) {
			err = fmt.Errorf("image %s: %w", l, err)
		}
		return nil, errors.Join(err, s.close())
	}
	return i, nil
}

// Close gives back what was opened.
func (i *Image) Close() error { return i.source.close() }

// load reads the manifest and the configuration.
func (i *Image) load(ctx context.Context, architecture string) error {
	data, err := i.source.manifest(ctx)
	if err != nil {
		return err
	}
	if data, err = i.choose(ctx, data, architecture); err != nil {
		return err
	}
	i.manifestText, i.Digest = data, digestBytes(data)
	if i.manifest, err = v1.ParseManifest(bytes.NewReader(data)); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	if n := len(i.manifest.Layers); n == 0 || n > maxImageLayers {
		return fmt.Errorf("manifest: %d layers; from 1 to %d are possible", n, maxImageLayers)
	}
	if i.configText, err = readBlob(ctx, i.source, i.manifest.Config); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if i.config, err = v1.ParseConfigFile(bytes.NewReader(i.configText)); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if have, want := len(i.config.RootFS.DiffIDs), len(i.manifest.Layers); have != want {
		return fmt.Errorf("configuration: %d diff_ids for %d layers", have, want)
	}
	return nil
}

// choose takes from an index of images the one for an architecture.
func (i *Image) choose(ctx context.Context, data []byte, architecture string) ([]byte, error) {
	index, err := v1.ParseIndexManifest(bytes.NewReader(data))
	if err != nil || !index.MediaType.IsIndex() && len(index.Manifests) == 0 {
		return data, nil //nolint:nilerr // no index; what it is instead is found out next
	}
	for _, m := range index.Manifests {
		if p := m.Platform; p != nil && p.OS == "linux" && p.Architecture == architecture {
			return readBlob(ctx, i.source, m)
		}
	}
	return nil, fmt.Errorf("the index has no image for linux/%s", architecture)
}

// Labels of the image, which say what it is.
func (i *Image) Labels() map[string]string { return i.config.Config.Labels }

// Commit is the checksum of the commit that the image says it carries; zero if it
// says nothing.
func (i *Image) Commit() ostree.Checksum {
	c, err := ostree.ParseChecksum(i.Labels()[LabelCommit])
	if err != nil {
		return ostree.Checksum{}
	}
	return c
}

// Version of the system in the image, for people; it may be empty.
func (i *Image) Version() string {
	return cmp.Or(i.Labels()[LabelVersion], i.Labels()[labelOCIVersion])
}

// Bootable says whether the image claims to be a system that boots.
func (i *Image) Bootable() bool {
	_, bootable := i.Labels()[LabelBootable]
	_, bootc := i.Labels()[LabelBootc]
	return bootable || bootc
}

// Created is when the image was made; zero if it does not say.
func (i *Image) Created() time.Time {
	if t, err := time.Parse(time.RFC3339, i.manifest.Annotations[labelCreated]); err == nil {
		return t
	}
	return i.config.Created.Time
}

// Architecture of the image, as OCI names it.
func (i *Image) Architecture() string { return i.config.Architecture }

// Layers describes the layers in their order.
func (i *Image) Layers() []Layer {
	layers := make([]Layer, len(i.manifest.Layers))
	for n, d := range i.manifest.Layers {
		layers[n] = Layer{Digest: d.Digest.String(), DiffID: i.config.RootFS.DiffIDs[n].String(), Size: d.Size}
		if parts := d.Annotations[annotationParts]; parts != "" {
			layers[n].Components = strings.Split(parts, ",")
		}
	}
	return layers
}

// Division tells how the image is divided, for the next one to be alike.
func (i *Image) Division() Division { return divisionOf(i.manifest) }

// ReadDivision reads the manifest of an image for its division.
func ReadDivision(manifest []byte) (Division, error) {
	m, err := v1.ParseManifest(bytes.NewReader(manifest))
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return divisionOf(m), nil
}

// divisionOf stops at the first layer without components: from there on they were derived.
func divisionOf(m *v1.Manifest) Division {
	var d Division
	for n, l := range m.Layers {
		parts := l.Annotations[annotationParts]
		switch {
		case n == 0:
		case parts == "":
			return d
		default:
			d = append(d, strings.Split(parts, ","))
		}
	}
	return d
}

// own is the number of layers that belong to the commit; the rest was derived.
func (i *Image) own() (int, error) {
	want := i.Labels()[LabelFinalDiffID]
	if want == "" {
		return 0, &FormatError{i.Location, "label " + LabelFinalDiffID, errors.New("missing: this is not an image of an OSTree commit")}
	}
	at := slices.IndexFunc(i.config.RootFS.DiffIDs, func(h v1.Hash) bool { return h.String() == want })
	if at < 0 {
		return 0, &FormatError{i.Location, "label " + LabelFinalDiffID, fmt.Errorf("no layer is %s", want)}
	}
	return at + 1, nil
}
