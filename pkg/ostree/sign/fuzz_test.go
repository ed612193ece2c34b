package sign_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return b
}

// FuzzKeyring: whatever is accepted can be evaluated, and written and read again
// without a change.
func FuzzKeyring(f *testing.F) {
	f.Add(fixture(f, "sha1.key.asc"))
	key := newKey(f, "N", "n@keys.example", 30*day).addSubkey(0)
	f.Add(key.public())
	f.Add(key.secret())
	f.Add(revoke(f, key).public())
	f.Add(append(key.signature(true, nil), key.public()...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		clock := func() time.Time { return now }
		k := &sign.Keyring{Clock: clock}
		if k.Add(data) != nil {
			return
		}
		keys := k.Keys()
		for _, key := range keys {
			for _, u := range key.Users {
				u.UpdateURLs()
			}
		}
		public, err := k.Bytes()
		require.NoError(t, err)
		again := &sign.Keyring{Clock: clock}
		require.NoError(t, again.Add(public))
		require.Equal(t, keys, again.Keys())
		_, _ = sign.NewOpenPGPSigner(data, sign.OpenPGPSignerOptions{Clock: clock})
	})
}

// FuzzSignature: nothing but the bytes of a real signature is valid.
func FuzzSignature(f *testing.F) {
	key := newKey(f, "N", "", 0).addSubkey(0)
	k := keyring(f, key)
	good := key.signature(true, nil)
	f.Add(good)
	f.Add(fixture(f, "sha1.sig.asc"))
	f.Add(newKey(f, "M", "", 0).signature(false, nil))
	f.Fuzz(func(t *testing.T, blob []byte) {
		found, err := k.Check(t.Context(), []byte("other data"), [][]byte{blob})
		require.NoError(t, err)
		for _, s := range found {
			require.False(t, s.Valid())
			require.NotEmpty(t, s.Describe("", nil))
			require.NotEmpty(t, s.String())
		}
		require.LessOrEqual(t, len(found), 1024)
		k.MadeBy([]string{"N"})(blob)
	})
}

// FuzzKeys: key files of all plain engines, public and secret.
func FuzzKeys(f *testing.F) {
	secret, public := edSecret(f, 1)
	f.Add([]byte(secret))
	f.Add([]byte(public + "\n" + public))
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA45yzbkuEok0lLabxzdAHWUDSMZgYfxU40sN+LMfYHVA=\n-----END PUBLIC KEY-----\n"))
	f.Add([]byte("MCowBQYDK2VwAyEA45yzbkuEok0lLabxzdAHWUDSMZgYfxU40sN+LMfYHVA="))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, engine := range sign.Engines() {
			keys, err := sign.ReadPublicKeys(engine, bytes.NewReader(text))
			if err == nil {
				v, err := sign.NewVerifier(engine, sign.Keys{Trusted: keys}, sign.Options{Dummy: true})
				require.NoError(t, err)
				_, _ = v.Verify(t.Context(), data, [][]byte{text})
			}
			if key, err := sign.ParsePublicKey(engine, string(text)); err == nil {
				_, err := sign.NewVerifier(engine, sign.Keys{Trusted: [][]byte{key}, Revoked: keys}, sign.Options{})
				require.NoError(t, err)
			}
			signers, err := sign.ReadSigners(engine, bytes.NewReader(text), sign.Options{Dummy: true})
			if err != nil {
				continue
			}
			for _, s := range signers {
				_, err := s.Sign(t.Context(), data)
				require.NoError(t, err)
			}
		}
	})
}
