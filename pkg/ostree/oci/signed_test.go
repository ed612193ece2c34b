package oci_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// newKey is a key for signing. There is only one.
func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

// signedBy asks for a signature with a key.
func signedBy(t testing.TB, key ed25519.PrivateKey) *ostree.Verification {
	t.Helper()
	v, err := sign.NewVerifier(sign.Ed25519, sign.Keys{Trusted: [][]byte{key[ed25519.SeedSize:]}}, sign.Options{})
	require.NoError(t, err)
	return &ostree.Verification{Any: []sign.Verifier{v}}
}

func TestSignaturesTravelWithTheImage(t *testing.T) {
	t.Parallel()
	repo, commit := source(t)
	key := newKey(t)
	signer, err := sign.NewSigner(sign.Ed25519, base64.StdEncoding.EncodeToString(key), sign.Options{})
	require.NoError(t, err)

	unsigned := layout(t)
	export(t, repo, commit, unsigned, chunked())
	other := ostreetest.Repo(t, ostree.ModeBareUser)
	_, err = open(t, unsigned).Import(t.Context(), other, oci.ImportOptions{Verification: signedBy(t, key)})
	require.ErrorContains(t, err, "verify commit "+commit.String())
	has, err := other.Has(t.Context(), ostree.ObjectName{Checksum: commit, Type: ostree.ObjectCommit})
	require.NoError(t, err)
	require.False(t, has, "a commit without signature must not become visible")

	require.NoError(t, repo.Update(t.Context(), func(w *ostree.Writer) error { return w.SignCommit(t.Context(), commit, signer) }))
	signed := layout(t)
	export(t, repo, commit, signed, chunked())
	image := open(t, signed)
	imported, err := image.Import(t.Context(), other, oci.ImportOptions{Verification: signedBy(t, key)})
	require.NoError(t, err)
	require.Equal(t, commit, imported.Base)

	// What is here already is judged as well.
	wrong := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, ed25519.SeedSize))
	_, err = image.Import(t.Context(), other, oci.ImportOptions{Verification: signedBy(t, wrong)})
	require.ErrorContains(t, err, "verify commit "+commit.String())
}
