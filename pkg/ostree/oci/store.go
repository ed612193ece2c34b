package oci

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// annotationTag is the key by which an index names its manifests.
const annotationTag = "org.opencontainers.image.ref.name"

// layoutStore is an OCI layout that is written. A layout that exists gets another
// image; readers see it when the index is replaced, last.
type layoutStore struct{ dir string }

func openLayoutStore(dir string) (*layoutStore, error) {
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		return nil, err
	}
	s := &layoutStore{dir}
	return s, s.replace("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
}

// blobPath is where a blob with some digest is, below a layout.
func blobPath(digest string) string {
	return "blobs/" + strings.Replace(digest, ":", "/", 1)
}

// create stores a blob whose digest is known when write has written it.
func (s *layoutStore) create(write func(f *os.File) (digest string, err error)) (err error) {
	f, err := os.CreateTemp(s.dir, ".new-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	digest, err := write(f)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(s.dir, blobPath(digest)))
}

// put stores a small blob.
func (s *layoutStore) put(data []byte) (v1.Hash, error) {
	sum := v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", sha256.Sum256(data))}
	return sum, s.replace(blobPath(sum.String()), data)
}

// replace writes a file so that a reader sees the old one or the new one.
func (s *layoutStore) replace(name string, data []byte) error {
	return fsx.WriteFile(filepath.Join(s.dir, name), data, 0o644)
}

// setTag makes an index name a manifest. The empty tag is that of an index with one
// image only, which then replaces all.
func (s *layoutStore) setTag(tag string, manifest v1.Descriptor) error {
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}
	if tag != "" {
		manifest.Annotations = map[string]string{annotationTag: tag}
		have, err := s.index()
		if err != nil {
			return err
		}
		for _, m := range have {
			if m.Annotations[annotationTag] != tag {
				index.Manifests = append(index.Manifests, m)
			}
		}
	}
	index.Manifests = append(index.Manifests, manifest)
	data, err := json.Marshal(index)
	if err != nil {
		return err
	}
	return s.replace("index.json", data)
}

// index lists the images of a layout; none if it is new.
func (s *layoutStore) index() ([]v1.Descriptor, error) {
	data, err := os.ReadFile(filepath.Join(s.dir, "index.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	index, err := v1.ParseIndexManifest(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s/index.json: %w", s.dir, err)
	}
	return index.Manifests, nil
}
