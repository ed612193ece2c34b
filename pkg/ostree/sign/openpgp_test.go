package sign_test

import (
	"crypto"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

const day = 24 * 60 * 60

func TestOpenPGPVerify(t *testing.T) {
	t.Parallel()
	key := newKey(t, "Some One", "one@keys.example", 0)
	other := newKey(t, "Another", "", 0)
	k := keyring(t, key, other)
	signature := key.signature(false, nil)

	result, err := k.Verify(t.Context(), data, [][]byte{[]byte("junk"), signature})
	require.NoError(t, err)
	fingerprint := fmt.Sprintf("%X", key.PrimaryKey.Fingerprint)
	require.Equal(t, fingerprint, result.Key)
	require.Equal(t, 1, result.OpenPGP[0].Blob)
	require.Equal(t, "Signature made Wed Mar  4 04:06:07 2026 using EdDSA key ID "+fingerprint[24:]+
		"\nGood signature from \"Some One <one@keys.example>\"", result.String())

	_, err = k.Verify(t.Context(), data[1:], [][]byte{signature})
	require.ErrorIs(t, err, sign.ErrInvalid)
	require.ErrorContains(t, err, "does not fit the data")
	_, err = k.Verify(t.Context(), data, nil)
	require.ErrorIs(t, err, sign.ErrNoSignature)
	_, err = k.Verify(t.Context(), data, [][]byte{[]byte("junk")})
	require.ErrorIs(t, err, sign.ErrNoSignature)

	// One blob may hold several signatures, and one that is valid is enough.
	stranger := newKey(t, "Stranger", "", 0)
	both := append(stranger.signature(false, nil), other.signature(false, nil)...)
	result, err = k.Verify(t.Context(), data, [][]byte{both})
	require.NoError(t, err)
	require.Len(t, result.OpenPGP, 2)
	require.True(t, result.OpenPGP[0].Missing)
	require.Contains(t, result.OpenPGP[1].Describe("  ", nil), "\n  Good signature from \"Another <>\"\n")
	_, err = k.Verify(t.Context(), data, [][]byte{stranger.signature(false, nil)})
	require.ErrorContains(t, err, "no such key")
}

// TestOpenPGPProblems has one signature for each reason not to accept it.
func TestOpenPGPProblems(t *testing.T) {
	t.Parallel()
	plain := func(t testing.TB) *pgpKey { return newKey(t, "N", "", 0) }
	withSubkey := func(t testing.TB) *pgpKey { return plain(t).addSubkey(0) }
	for name, c := range map[string]struct {
		make    func(t testing.TB) *pgpKey
		sig     func(*packet.Signature)
		subkey  bool
		problem string // empty: valid
		text    []string
	}{
		"good":              {make: plain, text: []string{"Good signature"}},
		"good subkey":       {make: withSubkey, subkey: true, text: []string{"Good signature", "Primary key ID"}},
		"key still valid":   {make: func(t testing.TB) *pgpKey { return newKey(t, "N", "", 400*day) }, text: []string{"Good", "Key expires Wed Apr  8"}},
		"expired key":       {make: func(t testing.TB) *pgpKey { return newKey(t, "N", "", 30*day) }, problem: "has expired", text: []string{"BAD signature", "Key expired Thu Apr  3"}},
		"expired subkey":    {make: func(t testing.TB) *pgpKey { return plain(t).addSubkey(30 * day) }, subkey: true, problem: "has expired", text: []string{"BAD signature", "Key expired"}},
		"expired primary":   {make: func(t testing.TB) *pgpKey { return newKey(t, "N", "", 30*day).addSubkey(0) }, subkey: true, problem: "has expired", text: []string{"BAD signature", "Primary key expired"}},
		"revoked key":       {make: revoked, problem: "revoked", text: []string{"Key revoked"}},
		"revoked primary":   {make: func(t testing.TB) *pgpKey { return revoke(t, withSubkey(t)) }, subkey: true, problem: "revoked", text: []string{"Key revoked"}},
		"revoked subkey":    {make: revokedSubkey, subkey: true, problem: "revoked", text: []string{"Key revoked"}},
		"revoked neighbour": {make: revokedSubkey, text: []string{"Good signature"}},
		"expired signature": {make: plain, sig: func(s *packet.Signature) { s.SigLifetimeSecs = new(uint32(60)) }, problem: "has expired", text: []string{"Expired signature", "Signature expired Wed Mar  4 04:07:07 2026"}},
		"lasting signature": {make: plain, sig: func(s *packet.Signature) { s.SigLifetimeSecs = new(uint32(7200)) }, text: []string{"Good", "Signature expires"}},
		"older than key":    {make: plain, sig: func(s *packet.Signature) { s.CreationTime = born.AddDate(0, 0, -1) }, problem: "older"},
		"text":              {make: plain, sig: func(s *packet.Signature) { s.SigType = packet.SigTypeText }, problem: "type 0x01"},
		"notation": {make: plain, sig: func(s *packet.Signature) {
			s.Notations = []*packet.Notation{{Name: "x@keys.example", Value: []byte("1"), IsCritical: true, IsHumanReadable: true}}
		}, problem: "critical"},
		"not for signing": {make: certifyOnly, problem: "not meant for signing"},
		"stolen subkey":   {make: stolenSubkey, subkey: true, problem: "no valid signature of itself"},
		"no user":         {make: func(t testing.TB) *pgpKey { k := plain(t); k.Identities = nil; k.SelfSignature = nil; return k }, problem: "no valid signature of itself"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := c.make(t)
			k := keyring(t, key)
			s := checkOne(t, k, key.signature(c.subkey, c.sig))
			require.Equal(t, c.problem == "", s.Valid(), s.String())
			require.Contains(t, s.String(), c.problem)
			for _, text := range c.text {
				require.Contains(t, s.Describe("", nil), text)
			}
		})
	}
}

func revoke(t testing.TB, k *pgpKey) *pgpKey {
	require.NoError(t, k.RevokeKey(packet.KeyCompromised, "", config(born.Add(time.Hour))))
	return k
}

func revoked(t testing.TB) *pgpKey { return revoke(t, newKey(t, "N", "", 0)) }

func revokedSubkey(t testing.TB) *pgpKey {
	k := newKey(t, "N", "", 0).addSubkey(0)
	require.NoError(t, k.RevokeSubkey(&k.Subkeys[0], packet.KeyCompromised, "", config(born.Add(time.Hour))))
	return k
}

func certifyOnly(t testing.TB) *pgpKey {
	k := newKey(t, "N", "", 0)
	for name, id := range k.Identities {
		id.SelfSignature.FlagSign = false
		require.NoError(t, id.SelfSignature.SignUserId(name, k.PrimaryKey, k.PrivateKey, config(born)))
	}
	return k
}

// stolenSubkey claims the key of somebody else as its own, without what that key
// would have to sign for it.
func stolenSubkey(t testing.TB) *pgpKey {
	victim, thief := newKey(t, "Victim", "", 0).addSubkey(0), newKey(t, "Thief", "", 0)
	sub := victim.Subkeys[0]
	sub.Sig = &packet.Signature{
		Version: 4, SigType: packet.SigTypeSubkeyBinding, PubKeyAlgo: thief.PrivateKey.PubKeyAlgo, Hash: crypto.SHA512,
		CreationTime: born, IssuerKeyId: &thief.PrimaryKey.KeyId, FlagsValid: true, FlagSign: true,
	}
	require.NoError(t, sub.Sig.SignKey(sub.PublicKey, thief.PrivateKey, config(born)))
	thief.Subkeys = []openpgp.Subkey{sub}
	return thief
}

// TestOpenPGPSHA1 also has both files in ASCII armour.
func TestOpenPGPSHA1(t *testing.T) {
	t.Parallel()
	k, err := sign.LoadKeyring("testdata/sha1.key.asc")
	require.NoError(t, err)
	k.Clock = func() time.Time { return now }
	signature, err := os.ReadFile("testdata/sha1.sig.asc")
	require.NoError(t, err)
	require.ErrorContains(t, checkOne(t, k, signature).Err, "SHA-1")
	k.AllowSHA1 = true
	require.True(t, checkOne(t, k, signature).Valid())
}

func TestKeyringImport(t *testing.T) {
	t.Parallel()
	a, b, c := newKey(t, "Alice", "a@keys.example", 0), newKey(t, "Bob", "b@keys.example", 0), newKey(t, "Bobby", "c@keys.example", 0)
	armored := append(append([]byte("some text\n"), a.armored()...), append(b.armored(), c.armored()...)...)
	from := &sign.Keyring{}
	require.NoError(t, from.Add(armored))
	require.Equal(t, 3, from.Len())

	k := &sign.Keyring{Clock: func() time.Time { return now }}
	var missing *sign.KeyNotFoundError
	_, err := k.Import(from, []string{fmt.Sprintf("%X", a.PrimaryKey.KeyId), "0123456789ABCDEF"})
	require.ErrorAs(t, err, &missing)
	require.Equal(t, 0, k.Len())
	_, err = k.Import(from, []string{"bob"})
	require.ErrorAs(t, err, &missing)
	require.True(t, missing.Ambiguous)
	n, err := k.Import(from, []string{fmt.Sprintf("0x%X", a.PrimaryKey.Fingerprint), "<b@keys.example>", "=Alice <a@keys.example>"})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	n, err = k.Import(from, nil)
	require.NoError(t, err)
	require.Equal(t, 1, n)

	// What was written is read again as the same.
	data, err := k.Bytes()
	require.NoError(t, err)
	again := &sign.Keyring{Clock: k.Clock}
	require.NoError(t, again.Add(data))
	require.Equal(t, k.Keys(), again.Keys())
	require.Equal(t, "Alice <a@keys.example>", again.Keys()[0].Users[0].Text)
}

// TestKeyringMerges: the same key again brings what is new in it.
func TestKeyringMerges(t *testing.T) {
	t.Parallel()
	key := newKey(t, "N", "", 30*day)
	k := keyring(t, key)
	require.False(t, checkOne(t, k, key.signature(false, nil)).Valid())
	for name, id := range key.Identities {
		id.SelfSignature.KeyLifetimeSecs = new(uint32(1000 * day))
		id.SelfSignature.CreationTime = born.Add(time.Hour)
		require.NoError(t, id.SelfSignature.SignUserId(name, key.PrimaryKey, key.PrivateKey, config(born.Add(time.Hour))))
	}
	require.NoError(t, k.Add(key.public()))
	require.Equal(t, 1, k.Len())
	require.True(t, checkOne(t, k, key.signature(false, nil)).Valid())
	revoke(t, key)
	n, err := k.Import(keyring(t, key), nil)
	require.NoError(t, err)
	require.Equal(t, 0, n)
	require.True(t, checkOne(t, k, key.signature(false, nil)).KeyRevoked)
	require.True(t, k.Keys()[0].Revoked)
	require.True(t, k.Keys()[0].Users[0].Revoked)
}

func TestKeyringMadeBy(t *testing.T) {
	t.Parallel()
	a, b := newKey(t, "Alice", "", 0).addSubkey(0), newKey(t, "Bob", "", 0)
	k := keyring(t, a)
	bySubkey, byB := a.signature(true, nil), b.signature(false, nil)
	require.Equal(t, []string{fmt.Sprintf("%X", a.Subkeys[0].PublicKey.Fingerprint)}, sign.Issuers(bySubkey))
	require.True(t, k.MadeBy([]string{"alice"})(bySubkey))
	require.True(t, k.MadeBy([]string{fmt.Sprintf("%08X", uint32(a.PrimaryKey.KeyId))})(bySubkey))
	require.False(t, k.MadeBy([]string{"alice"})(byB))
	require.True(t, k.MadeBy([]string{fmt.Sprintf("%016X", b.PrimaryKey.KeyId)})(byB))
	require.False(t, k.MadeBy(nil)(byB))
	require.False(t, k.MadeBy([]string{"bob"})([]byte("junk")))
}

func TestKeyringRejects(t *testing.T) {
	t.Parallel()
	for text, problem := range map[string]string{
		"just text": "no OpenPGP data",
		"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n": "no end",
		"\x00\x00\x00\x20\x01\x01\x00\x02KBXf\x00":       "keybox",
		"\x99\x01\x0d\x04":                               "not a keyring",
	} {
		require.ErrorContains(t, (&sign.Keyring{}).Add([]byte(text)), problem)
	}
}

func TestOpenPGPSigner(t *testing.T) {
	t.Parallel()
	key := newKey(t, "N", "", 0).addSubkey(0)
	k := keyring(t, key)
	clock := func() time.Time { return now }
	for _, passphrase := range []string{"", "open sesame"} {
		if passphrase != "" {
			require.NoError(t, key.EncryptPrivateKeys([]byte(passphrase), config(now)))
			_, err := sign.NewOpenPGPSigner(key.secret(), sign.OpenPGPSignerOptions{Passphrase: []byte("no"), Clock: clock})
			require.ErrorContains(t, err, "wrong passphrase")
		}
		s, err := sign.NewOpenPGPSigner(key.secret(), sign.OpenPGPSignerOptions{Passphrase: []byte(passphrase), Clock: clock})
		require.NoError(t, err)
		signature, err := s.Sign(t.Context(), data)
		require.NoError(t, err)
		found := checkOne(t, k, signature)
		require.True(t, found.Valid(), found.String())
		require.Equal(t, fmt.Sprintf("%X", key.Subkeys[0].PublicKey.Fingerprint), found.Fingerprint)
	}
	_, err := sign.NewOpenPGPSigner(key.public(), sign.OpenPGPSignerOptions{Clock: clock})
	require.ErrorContains(t, err, "no secret part")
	_, err = sign.NewOpenPGPSigner(key.secret(), sign.OpenPGPSignerOptions{KeyID: "0123456789ABCDEF", Clock: clock})
	require.Error(t, err)
	_, err = sign.NewOpenPGPSigner(revoked(t).secret(), sign.OpenPGPSignerOptions{Clock: clock})
	require.ErrorContains(t, err, "revoked")
}

// TestUpdateURLs has the values of a key of libostree's own tests.
func TestUpdateURLs(t *testing.T) {
	t.Parallel()
	advanced, direct := sign.UserID{Email: "test@test.com"}.UpdateURLs()
	require.Equal(t, "https://openpgpkey.test.com/.well-known/openpgpkey/test.com/hu/iffe93qcsgp4c8ncbb378rxjo6cn9q6u?l=test", advanced)
	require.Equal(t, "https://test.com/.well-known/openpgpkey/hu/iffe93qcsgp4c8ncbb378rxjo6cn9q6u?l=test", direct)
	for _, u := range []sign.UserID{{Name: "No Address"}, {Email: "@x"}, {Email: "a@b@c"}} {
		advanced, direct = u.UpdateURLs()
		require.Empty(t, advanced+direct)
	}
}
