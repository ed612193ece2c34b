package oci_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
)

func TestParseReference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, want string // want is the text again if empty
		reference  oci.Reference
	}{
		{"ostree-unverified-registry:quay.example/os:stable", "", oci.Reference{Location: oci.Location{Transport: oci.Registry, Name: "quay.example/os:stable"}}},
		{"ostree-unverified-image:docker://quay.example/os", "ostree-unverified-registry:quay.example/os", oci.Reference{Location: oci.Location{Transport: oci.Registry, Name: "quay.example/os"}}},
		{"ostree-unverified-image:oci:/srv/os:tag", "", oci.Reference{Location: oci.Location{Transport: oci.Layout, Name: "/srv/os:tag"}}},
		{"ostree-unverified-image:oci-archive:/srv/os.tar", "", oci.Reference{Location: oci.Location{Transport: oci.Archive, Name: "/srv/os.tar"}}},
		{"ostree-image-signed:docker://quay.example/os", "", oci.Reference{Verify: oci.SignedImage, Location: oci.Location{Transport: oci.Registry, Name: "quay.example/os"}}},
		{"ostree-remote-registry:debian:quay.example/os", "", oci.Reference{Verify: oci.SignedCommit, Remote: "debian", Location: oci.Location{Transport: oci.Registry, Name: "quay.example/os"}}},
		{"ostree-remote-image:debian:oci:/srv/os", "", oci.Reference{Verify: oci.SignedCommit, Remote: "debian", Location: oci.Location{Transport: oci.Layout, Name: "/srv/os"}}},
	} {
		require.True(t, oci.IsReference(c.text), c.text)
		r, err := oci.ParseReference(c.text)
		require.NoError(t, err, c.text)
		require.Equal(t, c.reference, r, c.text)
		want := c.want
		if want == "" {
			want = c.text
		}
		require.Equal(t, want, r.String())
	}
}

func TestParseReferenceRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"docker://quay.example/os":                    "does not say what vouches for it",
		"ostree-unverified-registry:":                 "not of the form TRANSPORT:NAME",
		"ostree-unverified-image:docker:quay.example": "a registry is written docker://NAME",
		"ostree-unverified-image:dir:/srv/os":         "transport dir is not supported; copy the image with skopeo",
		"ostree-unverified-image:floppy:a":            "unknown transport floppy",
		"ostree-remote-registry::os":                  "no remote in it",
		"debian:bookworm":                             "does not say what vouches for it",
	} {
		_, err := oci.ParseReference(text)
		require.ErrorContains(t, err, want, text)
	}
	require.False(t, oci.IsReference("debian:bookworm"))
	require.False(t, oci.IsReference("bookworm"))
}

func TestRefsAreThoseOfOSTreeExt(t *testing.T) {
	t.Parallel()
	require.Equal(t, "ostree/container/image/docker_3A__2F__2F_quay_2E_io/coreos/fedora_3A_latest",
		oci.ImageRef(oci.Location{Transport: oci.Registry, Name: "quay.io/coreos/fedora:latest"}).Ref)
	require.Equal(t, "ostree/container/image/oci_3A__2F_srv/a__b-c", oci.ImageRef(oci.Location{Transport: oci.Layout, Name: "/srv/a_b-c"}).Ref)
}
