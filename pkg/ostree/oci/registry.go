package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Options say how registries are reached. The zero value is useful.
type Options struct {
	// HTTP makes the requests; nil means a client with sensible timeouts. Registries
	// on this machine are reached without TLS.
	HTTP *http.Client
	// AuthFiles are files with credentials, see containers-auth.json(5); the first
	// that exists and knows the registry counts. The configuration of docker or podman
	// in the home directory comes after them. Nil means /run/ostree/auth.json,
	// /etc/ostree/auth.json and /usr/lib/ostree/auth.json.
	AuthFiles []string
	// Architecture chooses from an index of images; by default that of this program.
	Architecture string
}

// registrySource is an image in a registry.
type registrySource struct {
	ref      name.Reference
	location Location
	opts     Options
}

func openRegistry(l Location, opts Options) (source, error) {
	ref, err := name.ParseReference(l.Name)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", l, err)
	}
	return &registrySource{ref, l, opts}, nil
}

// remote are the options of requests.
func (o Options) remote(ctx context.Context) ([]remote.Option, error) {
	keychain, err := o.keychain()
	if err != nil {
		return nil, err
	}
	list := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(keychain), remote.WithUserAgent("apt-ostree")}
	if o.HTTP != nil && o.HTTP.Transport != nil {
		list = append(list, remote.WithTransport(o.HTTP.Transport))
	}
	return list, nil
}

func (s *registrySource) manifest(ctx context.Context) ([]byte, error) {
	opts, err := s.opts.remote(ctx)
	if err != nil {
		return nil, err
	}
	d, err := remote.Get(s.ref, opts...)
	if status, ok := errors.AsType[*transport.Error](err); ok && status.StatusCode == http.StatusNotFound {
		return nil, &ImageNotFoundError{s.location, err}
	}
	if err != nil {
		return nil, err
	}
	return d.Manifest, nil
}

func (s *registrySource) blob(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	opts, err := s.opts.remote(ctx)
	if err != nil {
		return nil, err
	}
	ref := s.ref.Context().Digest(d.Digest.String())
	if d.MediaType.IsImage() || d.MediaType.IsIndex() {
		found, err := remote.Get(ref, opts...)
		if err != nil {
			return nil, err
		}
		return readCloser(found.Manifest), nil
	}
	layer, err := remote.Layer(ref, opts...)
	if err != nil {
		return nil, err
	}
	return layer.Compressed()
}

func (s *registrySource) close() error { return nil }

// push copies an image from a layout to a registry. Blobs that are there already are
// not sent again.
func push(ctx context.Context, dir, digest string, to Location, o Options) error {
	ref, err := name.ParseReference(to.Name)
	if err != nil {
		return err
	}
	sum, err := v1.NewHash(digest)
	if err != nil {
		return err
	}
	from, err := layout.FromPath(dir)
	if err != nil {
		return err
	}
	image, err := from.Image(sum)
	if err != nil {
		return err
	}
	opts, err := o.remote(ctx)
	if err != nil {
		return err
	}
	return remote.Write(ref, image, opts...)
}
