package sign_test

import (
	"bytes"
	"crypto"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// The time at which the tests happen, and a year before, when keys are made.
var (
	now  = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	born = now.AddDate(-1, 0, 0)
)

// pgpKey is an OpenPGP key to do things with that no sane program would do.
type pgpKey struct {
	*openpgp.Entity
	t testing.TB
}

func config(at time.Time) *packet.Config {
	return &packet.Config{
		Time: func() time.Time { return at }, DefaultHash: crypto.SHA512, Algorithm: packet.PubKeyAlgoEdDSA,
	}
}

// newKey makes a key that lives for a number of seconds, zero for ever.
func newKey(t testing.TB, name, email string, lifetime uint32) *pgpKey {
	t.Helper()
	c := config(born)
	c.KeyLifetimeSecs = lifetime
	e, err := openpgp.NewEntity(name, "", email, c)
	require.NoError(t, err)
	e.Subkeys = nil
	return &pgpKey{Entity: e, t: t}
}

func (k *pgpKey) addSubkey(lifetime uint32) *pgpKey {
	k.t.Helper()
	c := config(born)
	c.KeyLifetimeSecs = lifetime
	require.NoError(k.t, k.AddSigningSubkey(c))
	return k
}

func (k *pgpKey) public() []byte {
	k.t.Helper()
	var b bytes.Buffer
	require.NoError(k.t, k.Serialize(&b))
	return b.Bytes()
}

func (k *pgpKey) armored() []byte {
	k.t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	require.NoError(k.t, err)
	_, err = w.Write(k.public())
	require.NoError(k.t, err)
	require.NoError(k.t, w.Close())
	return append(b.Bytes(), '\n')
}

func (k *pgpKey) secret() []byte {
	k.t.Helper()
	var b bytes.Buffer
	require.NoError(k.t, k.SerializePrivateWithoutSigning(&b, nil))
	return b.Bytes()
}

// signature makes one by the primary key, or by the newest subkey.
func (k *pgpKey) signature(subkey bool, change func(*packet.Signature)) []byte {
	k.t.Helper()
	key := k.PrivateKey
	if subkey {
		key = k.Subkeys[len(k.Subkeys)-1].PrivateKey
	}
	return signWith(k.t, key, change)
}

func signWith(t testing.TB, key *packet.PrivateKey, change func(*packet.Signature)) []byte {
	t.Helper()
	s := &packet.Signature{
		Version: key.Version, SigType: packet.SigTypeBinary, PubKeyAlgo: key.PubKeyAlgo, Hash: crypto.SHA512,
		CreationTime: now.Add(-time.Hour), IssuerKeyId: &key.KeyId, IssuerFingerprint: key.Fingerprint,
	}
	if change != nil {
		change(s)
	}
	h, err := s.PrepareSign(config(now))
	require.NoError(t, err)
	h.Write(data)
	require.NoError(t, s.Sign(h, key, config(now)))
	var b bytes.Buffer
	require.NoError(t, s.Serialize(&b))
	return b.Bytes()
}

func keyring(t testing.TB, keys ...*pgpKey) *sign.Keyring {
	t.Helper()
	k := &sign.Keyring{Clock: func() time.Time { return now }}
	for _, key := range keys {
		require.NoError(t, k.Add(key.public()))
	}
	return k
}

func checkOne(t testing.TB, k *sign.Keyring, signature []byte) sign.Signature {
	t.Helper()
	found, err := k.Check(t.Context(), data, [][]byte{signature})
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}
