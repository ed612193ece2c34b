package oci

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// maxDocument bounds a manifest, an index and a configuration, in bytes. Registries
// refuse manifests of more than 4 MiB.
const maxDocument = 4 << 20

// A source is where the parts of an image come from. What it gives is not verified.
type source interface {
	// manifest gives the bytes of the manifest, or of an index of manifests.
	manifest(ctx context.Context) ([]byte, error)
	// blob opens a layer, a configuration or a manifest.
	blob(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error)
	close() error
}

// openSource finds an image.
func openSource(ctx context.Context, l Location, opts Options) (source, error) {
	if l.Transport == Registry {
		return openRegistry(l, opts)
	}
	path, tag := l.pathAndTag()
	var tree blobTree
	var err error
	if l.Transport == Archive {
		tree, err = openArchive(ctx, path)
	} else {
		tree, err = openDirectory(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &ImageNotFoundError{l, err}
	}
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", l, err)
	}
	return &layoutSource{tree, l, tag}, nil
}

// blobTree has the files of an OCI layout, by their paths in it.
type blobTree interface {
	open(name string) (io.ReadCloser, error) // fs.ErrNotExist if there is none
	close() error
}

// layoutSource is an image in an OCI layout.
type layoutSource struct {
	blobTree
	location Location
	tag      string
}

// manifest finds the manifest that the index calls by the tag. Without a tag there
// must be one image only.
func (s *layoutSource) manifest(ctx context.Context) ([]byte, error) {
	data, err := s.read("index.json")
	if err != nil {
		return nil, &ImageNotFoundError{s.location, err}
	}
	index, err := v1.ParseIndexManifest(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("index.json: %w", err)
	}
	found := index.Manifests
	if s.tag != "" {
		found = nil
		for _, m := range index.Manifests {
			if m.Annotations[annotationTag] == s.tag {
				found = append(found, m)
			}
		}
	}
	switch {
	case len(found) == 0:
		return nil, &ImageNotFoundError{s.location, fmt.Errorf("none of the %d images of the layout has that name", len(index.Manifests))}
	case len(found) > 1:
		return nil, fmt.Errorf("the layout has %d images; name one as %s:TAG", len(found), s.location)
	}
	return readBlob(ctx, s, found[0])
}

func (s *layoutSource) read(name string) ([]byte, error) {
	f, err := s.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBounded(f, maxDocument)
}

func (s *layoutSource) blob(_ context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	return s.open(blobPath(d.Digest.String()))
}

// readBlob reads a small blob and compares it with its descriptor.
func readBlob(ctx context.Context, s source, d v1.Descriptor) ([]byte, error) {
	if d.Size > maxDocument {
		return nil, fmt.Errorf("%s has %d bytes, more than the limit of %d", d.Digest, d.Size, maxDocument)
	}
	r, err := s.blob(ctx, d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := readBounded(r, maxDocument)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Digest, err)
	}
	if have := digestBytes(data); have != d.Digest.String() {
		return nil, &DigestError{Want: d.Digest.String(), Have: have}
	}
	return data, nil
}

func digestBytes(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

// readBounded reads all, unless that is more than a limit.
func readBounded(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("more than the limit of %d bytes", limit)
	}
	return data, err
}
