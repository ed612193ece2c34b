package apttest

import (
	"bytes"
	"crypto"
	_ "crypto/sha512"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/stretchr/testify/require"
)

// Key is an OpenPGP key that signs releases.
type Key struct {
	entity *openpgp.Entity
	hash   crypto.Hash
}

// KeyOptions describes a key. The zero value is a good one: Ed25519, SHA-512, made two days ago.
type KeyOptions struct {
	// RSABits makes it an RSA key of that size.
	RSABits int
	// Curve makes it an ECDSA key over that curve, such as [packet.CurveNistP256].
	Curve packet.Curve
	// Hash is what its signatures are made over; the default is SHA-512.
	Hash crypto.Hash
	// Created defaults to two days ago. Lifetime limits how long the key is valid; 0 is for ever.
	Created  time.Time
	Lifetime time.Duration
}

// NewKey makes a key.
func NewKey(t testing.TB, o KeyOptions) *Key {
	t.Helper()
	if o.Created.IsZero() {
		o.Created = time.Now().Add(-48 * time.Hour)
	}
	if o.Hash == 0 {
		o.Hash = crypto.SHA512
	}
	c := &packet.Config{
		Time: func() time.Time { return o.Created }, DefaultHash: crypto.SHA512,
		Algorithm: packet.PubKeyAlgoEdDSA, KeyLifetimeSecs: uint32(o.Lifetime / time.Second),
	}
	if o.RSABits > 0 {
		c.Algorithm, c.RSABits, c.MinRSABits = packet.PubKeyAlgoRSA, o.RSABits, 1024
	}
	if o.Curve != "" {
		c.Algorithm, c.Curve = packet.PubKeyAlgoECDSA, o.Curve
	}
	entity, err := openpgp.NewEntity("Test Archive", "", "test@archive.example", c)
	require.NoError(t, err)
	entity.Subkeys = nil // an archive key only signs
	return &Key{entity: entity, hash: o.Hash}
}

// Fingerprint returns the fingerprint in upper-case hexadecimal.
func (k *Key) Fingerprint() string {
	return strings.ToUpper(hex.EncodeToString(k.entity.PrimaryKey.Fingerprint))
}

// Public returns the binary public key.
func (k *Key) Public(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, k.entity.Serialize(&b))
	return b.Bytes()
}

// Armored returns the public key in ASCII armour.
func (k *Key) Armored(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	require.NoError(t, err)
	_, err = w.Write(k.Public(t))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String() + "\n"
}

// Write stores the public key as name in dir, in ASCII armour if name ends in ".asc".
func (k *Key) Write(t testing.TB, dir, name string) string {
	t.Helper()
	data := k.Public(t)
	if strings.HasSuffix(name, ".asc") {
		data = []byte(k.Armored(t))
	}
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, data, 0o644))
	return path
}

// ClearSign returns text as a clear-signed message with a signature of each key.
func ClearSign(t testing.TB, text string, at time.Time, keys ...*Key) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("-----BEGIN PGP SIGNED MESSAGE-----\nHash: " + strings.ReplaceAll(keys[0].hash.String(), "-", "") + "\n\n")
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "-") {
			b.WriteString("- ")
		}
		b.WriteString(line + "\n")
		lines[i] = strings.TrimRight(line, " \t")
	}
	b.Write(sign(t, packet.SigTypeText, strings.Join(lines, "\r\n"), at, keys))
	return b.Bytes()
}

// DetachSign returns the armoured signatures of text, one block with a packet of each key.
func DetachSign(t testing.TB, text string, at time.Time, keys ...*Key) []byte {
	t.Helper()
	return sign(t, packet.SigTypeBinary, text, at, keys)
}

// sign makes signatures without the checks of the library, so that weak and expired ones can be
// made as well.
func sign(t testing.TB, kind packet.SignatureType, text string, at time.Time, keys []*Key) []byte {
	t.Helper()
	var packets bytes.Buffer
	for _, k := range keys {
		private := k.entity.PrivateKey
		s := &packet.Signature{
			Version: private.Version, SigType: kind, PubKeyAlgo: private.PubKeyAlgo, Hash: k.hash, CreationTime: at,
			IssuerKeyId: &private.KeyId, IssuerFingerprint: private.Fingerprint,
		}
		c := &packet.Config{Time: func() time.Time { return at }}
		h, err := s.PrepareSign(c)
		require.NoError(t, err)
		h.Write([]byte(text))
		require.NoError(t, s.Sign(h, private, c))
		require.NoError(t, s.Serialize(&packets))
	}
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.SignatureType, nil)
	require.NoError(t, err)
	_, err = w.Write(packets.Bytes())
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return append(b.Bytes(), '\n')
}
