package oci

import (
	"fmt"
	"strings"
)

// A Transport says where images are kept.
type Transport string

// The transports that this package reads and writes.
const (
	Registry Transport = "docker"      // a registry; also called "registry"
	Layout   Transport = "oci"         // an OCI image layout in a directory
	Archive  Transport = "oci-archive" // the same in a tar archive
)

// A Location is a place of an image, such as docker://registry.example/os:stable
// or oci:/srv/image:tag. It is comparable.
type Location struct {
	Transport Transport
	Name      string // what follows the transport
}

// ParseLocation reads TRANSPORT:NAME as skopeo(1) writes it. Transports that are
// known but not offered are an [*UnsupportedError].
func ParseLocation(text string) (Location, error) {
	transport, name, ok := strings.Cut(text, ":")
	if !ok || name == "" {
		return Location{}, fmt.Errorf("image %q: not of the form TRANSPORT:NAME, such as docker://registry.example/os or oci:/path", text)
	}
	switch transport {
	case "docker":
		if name, ok = strings.CutPrefix(name, "//"); !ok || name == "" {
			return Location{}, fmt.Errorf("image %q: a registry is written docker://NAME", text)
		}
		return Location{Registry, name}, nil
	case "registry":
		return Location{Registry, name}, nil
	case string(Layout), string(Archive):
		return Location{Transport(transport), name}, nil
	case "docker-archive", "containers-storage", "dir":
		return Location{}, &UnsupportedError{What: "transport " + transport, Instead: "copy the image with skopeo to oci: or oci-archive:"}
	}
	return Location{}, fmt.Errorf("image %q: unknown transport %s", text, transport)
}

// String is the form that ParseLocation reads.
func (l Location) String() string {
	if l.Transport == Registry {
		return "docker://" + l.Name
	}
	return string(l.Transport) + ":" + l.Name
}

// pathAndTag splits the name of a layout or archive. The path ends at the first
// colon; the tag may be empty.
func (l Location) pathAndTag() (path, tag string) {
	path, tag, _ = strings.Cut(l.Name, ":")
	return path, tag
}

// A Verify says what vouches for an image besides the transport.
type Verify int

// The ways to verify.
const (
	// Unverified is nothing: TLS for a registry, the file system for the others.
	Unverified Verify = iota
	// SignedImage is a signature of the image by containers-policy.json(5).
	SignedImage
	// SignedCommit is a signature of the commit in it, by a key of an OSTree remote.
	SignedCommit
)

// A Reference is a place of an image and what vouches for it, as the key
// container-image-reference of an origin has it.
type Reference struct {
	Verify   Verify
	Remote   string // whose keys count for SignedCommit
	Location Location
}

// The first words of references. The ones for a registry are short for the others.
const (
	prefixUnverified         = "ostree-unverified-image"
	prefixUnverifiedRegistry = "ostree-unverified-registry"
	prefixSigned             = "ostree-image-signed"
	prefixRemote             = "ostree-remote-image"
	prefixRemoteRegistry     = "ostree-remote-registry"
)

// IsReference says whether a text is meant as a reference of an image, right or
// wrong, and not as a ref of OSTree.
func IsReference(text string) bool {
	first, _, ok := strings.Cut(text, ":")
	if !ok {
		return false
	}
	switch first {
	case prefixUnverified, prefixUnverifiedRegistry, prefixSigned, prefixRemote, prefixRemoteRegistry:
		return true
	}
	return strings.HasPrefix(text, "docker://")
}

// ParseReference reads one of
//
//	ostree-unverified-registry:NAME
//	ostree-unverified-image:TRANSPORT:NAME
//	ostree-image-signed:TRANSPORT:NAME
//	ostree-remote-registry:REMOTE:NAME
//	ostree-remote-image:REMOTE:TRANSPORT:NAME
func ParseReference(text string) (Reference, error) {
	first, rest, _ := strings.Cut(text, ":")
	var r Reference
	switch first {
	case prefixUnverifiedRegistry:
		rest = "registry:" + rest
	case prefixUnverified:
	case prefixSigned:
		r.Verify = SignedImage
	case prefixRemote, prefixRemoteRegistry:
		r.Verify = SignedCommit
		var ok bool
		if r.Remote, rest, ok = strings.Cut(rest, ":"); !ok || r.Remote == "" {
			return r, fmt.Errorf("image reference %q: no remote in it", text)
		}
		if first == prefixRemoteRegistry {
			rest = "registry:" + rest
		}
	default:
		return r, fmt.Errorf("image reference %q: does not say what vouches for it; begin it with %s or %s", text, prefixUnverifiedRegistry, prefixUnverified)
	}
	var err error
	if r.Location, err = ParseLocation(rest); err != nil {
		return r, fmt.Errorf("image reference %q: %w", text, err)
	}
	return r, nil
}

// String is the form that ParseReference reads, the short one where there is one.
func (r Reference) String() string {
	switch {
	case r.Verify == SignedImage:
		return prefixSigned + ":" + r.Location.String()
	case r.Verify == SignedCommit && r.Location.Transport == Registry:
		return prefixRemoteRegistry + ":" + r.Remote + ":" + r.Location.Name
	case r.Verify == SignedCommit:
		return prefixRemote + ":" + r.Remote + ":" + r.Location.String()
	case r.Location.Transport == Registry:
		return prefixUnverifiedRegistry + ":" + r.Location.Name
	}
	return prefixUnverified + ":" + r.Location.String()
}
