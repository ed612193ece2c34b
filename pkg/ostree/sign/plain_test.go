package sign_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

var data = []byte("the bytes of a commit")

func edSecret(t testing.TB, seed byte) (secret, public string) {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	return base64.StdEncoding.EncodeToString(key), base64.StdEncoding.EncodeToString(key[32:])
}

func edVerifier(t testing.TB, public ...string) sign.Verifier {
	t.Helper()
	var keys sign.Keys
	for _, p := range public {
		key, err := sign.ParsePublicKey(sign.Ed25519, p)
		require.NoError(t, err)
		keys.Trusted = append(keys.Trusted, key)
	}
	v, err := sign.NewVerifier(sign.Ed25519, keys, sign.Options{})
	require.NoError(t, err)
	return v
}

func mustSign(t testing.TB, engine, secret string) []byte {
	t.Helper()
	s, err := sign.NewSigner(engine, secret, sign.Options{})
	require.NoError(t, err)
	require.Equal(t, engine, s.Engine())
	signature, err := s.Sign(t.Context(), data)
	require.NoError(t, err)
	return signature
}

func TestEd25519(t *testing.T) {
	t.Parallel()
	secret, public := edSecret(t, 1)
	_, other := edSecret(t, 2)
	signature := mustSign(t, sign.Ed25519, secret)
	raw, err := base64.StdEncoding.DecodeString(public)
	require.NoError(t, err)

	result, err := edVerifier(t, other, public).Verify(t.Context(), data, [][]byte{{1, 2, 3}, signature})
	require.NoError(t, err)
	require.Equal(t, hex.EncodeToString(raw), result.Key)
	require.Equal(t, "ed25519: Signature verified successfully with key '"+result.Key+"'", result.String())

	_, err = edVerifier(t, other).Verify(t.Context(), data, [][]byte{signature})
	require.ErrorIs(t, err, sign.ErrInvalid)
	var invalid *sign.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.Len(t, invalid.Keys, 1)
	_, err = edVerifier(t, public).Verify(t.Context(), append([]byte("x"), data...), [][]byte{signature})
	require.ErrorIs(t, err, sign.ErrInvalid)
	_, err = edVerifier(t, public).Verify(t.Context(), data, nil)
	require.ErrorIs(t, err, sign.ErrNoSignature)
	var none *sign.NoKeysError
	_, err = edVerifier(t).Verify(t.Context(), data, [][]byte{signature})
	require.ErrorAs(t, err, &none)
}

func TestEd25519RejectsOddKeys(t *testing.T) {
	t.Parallel()
	secret, _ := edSecret(t, 1)
	raw, err := base64.StdEncoding.DecodeString(secret)
	require.NoError(t, err)
	for name, key := range map[string][]byte{
		"seed alone":      raw[:32],
		"too long":        append(bytes.Clone(raw), 0),
		"of another seed": append(bytes.Clone(raw[:32]), make([]byte, 32)...),
	} {
		_, err := sign.NewSigner(sign.Ed25519, base64.StdEncoding.EncodeToString(key), sign.Options{})
		var bad *sign.KeyError
		require.ErrorAs(t, err, &bad, name)
		require.True(t, bad.Secret)
		require.NotContains(t, err.Error(), base64.StdEncoding.EncodeToString(key)[:10], "a secret in a message")
	}
	for _, text := range []string{"", "no base64!", "AAAA", secret} {
		_, err := sign.ParsePublicKey(sign.Ed25519, text)
		require.Error(t, err, text)
	}
	_, err = sign.NewVerifier("rot13", sign.Keys{}, sign.Options{})
	var unknown *sign.UnknownEngineError
	require.ErrorAs(t, err, &unknown)
	_, err = sign.ParsePublicKey("rot13", "x")
	require.ErrorAs(t, err, &unknown)
}

func TestDummyNeedsPermission(t *testing.T) {
	t.Parallel()
	var disabled *sign.DisabledError
	_, err := sign.NewSigner(sign.Dummy, "secret", sign.Options{})
	require.ErrorAs(t, err, &disabled)
	keys := sign.Keys{Trusted: [][]byte{[]byte("secret")}}
	v, err := sign.NewVerifier(sign.Dummy, keys, sign.Options{})
	require.NoError(t, err)
	_, err = v.Verify(t.Context(), data, [][]byte{[]byte("secret")})
	require.ErrorAs(t, err, &disabled)

	s, err := sign.NewSigner(sign.Dummy, "secret", sign.Options{Dummy: true})
	require.NoError(t, err)
	signature, err := s.Sign(t.Context(), data)
	require.NoError(t, err)
	require.Equal(t, "secret", string(signature))
	v, err = sign.NewVerifier(sign.Dummy, keys, sign.Options{Dummy: true})
	require.NoError(t, err)
	result, err := v.Verify(t.Context(), data, [][]byte{[]byte("x"), signature})
	require.NoError(t, err)
	require.Equal(t, "dummy: Signature verified", result.String())
	_, err = v.Verify(t.Context(), data, [][]byte{[]byte("x")})
	require.ErrorIs(t, err, sign.ErrInvalid)
}

func TestKeyFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret, public := edSecret(t, 1)
	secret2, public2 := edSecret(t, 2)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	keys, err := sign.LoadKeyFile(sign.Ed25519, write("two", "# a comment\n"+public+"\n\n "+public2+" \n"))
	require.NoError(t, err)
	require.Len(t, keys, 2)
	signers, err := sign.LoadSigners(sign.Ed25519, write("secret", secret+"\n"+secret2), sign.Options{})
	require.NoError(t, err)
	require.Len(t, signers, 2)

	var none *sign.NoKeysError
	_, err = sign.LoadKeyFile(sign.Ed25519, write("empty", "\n"))
	require.ErrorAs(t, err, &none)
	_, err = sign.LoadKeyFile(sign.Ed25519, write("bad", public+"\nAAAA\n"))
	require.ErrorContains(t, err, "bad: line 2: not a ed25519 public key")
	var odd *sign.NotRegularError
	_, err = sign.LoadKeyFile(sign.Ed25519, dir)
	require.ErrorAs(t, err, &odd)
	_, err = sign.LoadSigners(sign.Ed25519, filepath.Join(dir, "missing"), sign.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)

	// The directories of a system: broken files of trusted keys only take keys
	// away, broken files of revoked keys would add some.
	_, err = sign.LoadKeyDirs(sign.Ed25519, dir)
	require.ErrorAs(t, err, &none)
	write("trusted.ed25519", public+"\n")
	write("trusted.ed25519.d/more", public2+"\n")
	write("trusted.ed25519.d/broken", "broken\n")
	all, err := sign.LoadKeyDirs(sign.Ed25519, filepath.Join(dir, "nowhere"), dir)
	require.NoError(t, err)
	require.Len(t, all.Trusted, 2)
	write("revoked.ed25519.d/first", public+"\n")
	all, err = sign.LoadKeyDirs(sign.Ed25519, dir)
	require.NoError(t, err)
	v, err := sign.NewVerifier(sign.Ed25519, all, sign.Options{})
	require.NoError(t, err)
	_, err = v.Verify(t.Context(), data, [][]byte{mustSign(t, sign.Ed25519, secret)})
	require.ErrorIs(t, err, sign.ErrInvalid)
	_, err = v.Verify(t.Context(), data, [][]byte{mustSign(t, sign.Ed25519, secret2)})
	require.NoError(t, err)
	write("revoked.ed25519", "broken\n")
	_, err = sign.LoadKeyDirs(sign.Ed25519, dir)
	require.ErrorContains(t, err, "revoked keys")
}

// TestSPKI has openssl make keys of every kind and check what we sign with
// them, and the other way round.
func TestSPKI(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("openssl"))
	for name, kind := range map[string][]string{
		"ed25519": {"-algorithm", "ED25519"},
		"ed448":   {"-algorithm", "ED448"},
		"p256":    {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
		"p384":    {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"},
		"rsa":     {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			openssl := func(args ...string) []byte {
				cmd := exec.CommandContext(t.Context(), "openssl", args...)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, "%s", out)
				return out
			}
			read := func(name string) []byte {
				b, err := os.ReadFile(filepath.Join(dir, name))
				require.NoError(t, err)
				return b
			}
			openssl(append([]string{"genpkey", "-out", "secret.pem"}, kind...)...)
			openssl("pkey", "-in", "secret.pem", "-pubout", "-out", "public.pem")
			require.NoError(t, os.WriteFile(filepath.Join(dir, "data"), data, 0o644))
			digest := []string{"-digest", "sha256"}
			if strings.HasPrefix(name, "ed") {
				digest = nil
			}

			signers, err := sign.LoadSigners(sign.SPKI, filepath.Join(dir, "secret.pem"), sign.Options{})
			require.NoError(t, err)
			require.Len(t, signers, 1)
			ours, err := signers[0].Sign(t.Context(), data)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "ours"), ours, 0o644))
			out := openssl(append([]string{
				"pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-in", "data", "-sigfile", "ours",
			}, digest...)...)
			require.Contains(t, string(out), "Verified Successfully")

			openssl(append([]string{"pkeyutl", "-sign", "-inkey", "secret.pem", "-rawin", "-in", "data", "-out", "theirs"}, digest...)...)
			public, err := sign.LoadKeyFile(sign.SPKI, filepath.Join(dir, "public.pem"))
			require.NoError(t, err)
			block, _ := pem.Decode(read("public.pem"))
			fromText, err := sign.ParsePublicKey(sign.SPKI, base64.StdEncoding.EncodeToString(block.Bytes))
			require.NoError(t, err)
			require.Equal(t, public[0], fromText)
			v, err := sign.NewVerifier(sign.SPKI, sign.Keys{Trusted: public}, sign.Options{})
			require.NoError(t, err)
			result, err := v.Verify(t.Context(), data, [][]byte{read("theirs")})
			require.NoError(t, err)
			require.Equal(t, hex.EncodeToString(block.Bytes), result.Key)
			_, err = v.Verify(t.Context(), data, [][]byte{ours})
			require.NoError(t, err)
			_, err = v.Verify(t.Context(), data[1:], [][]byte{ours, {}, {0x30}})
			require.ErrorIs(t, err, sign.ErrInvalid)
			_, err = v.Verify(t.Context(), data[1:], [][]byte{read("theirs")})
			require.ErrorIs(t, err, sign.ErrInvalid)

			v, err = sign.NewVerifier(sign.SPKI, sign.Keys{Trusted: public, Revoked: public}, sign.Options{})
			require.NoError(t, err)
			_, err = v.Verify(t.Context(), data, [][]byte{ours})
			require.Error(t, err)
		})
	}
}

func TestSPKIFiles(t *testing.T) {
	t.Parallel()
	block := func(label string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: b}))
	}
	for name, c := range map[string]struct{ text, err string }{
		"wrong label": {block("CERTIFICATE", []byte("x")), `"CERTIFICATE"`},
		"no key":      {block("PUBLIC KEY", []byte("x")), "block 1"},
		"no end":      {"-----BEGIN PUBLIC KEY-----\nAAAA\n", "no end"},
		"too long":    {block("PUBLIC KEY", make([]byte, 70<<10)), "longer"},
	} {
		_, err := sign.ReadPublicKeys(sign.SPKI, strings.NewReader(c.text))
		require.ErrorContains(t, err, c.err, name)
	}
	keys, err := sign.ReadPublicKeys(sign.SPKI, strings.NewReader("just text\n"))
	require.NoError(t, err)
	require.Empty(t, keys)
}

// TestManySignatures: the list of signatures comes from a server.
func TestManySignatures(t *testing.T) {
	t.Parallel()
	secret, public := edSecret(t, 1)
	list := make([][]byte, 2000)
	list = append(list, mustSign(t, sign.Ed25519, secret))
	_, err := edVerifier(t, public).Verify(t.Context(), data, list)
	require.ErrorIs(t, err, sign.ErrInvalid)
	_, err = edVerifier(t, public).Verify(t.Context(), data, list[1990:])
	require.NoError(t, err)
}

func TestMetadataKey(t *testing.T) {
	t.Parallel()
	require.Equal(t, "ostree.gpgsigs", sign.MetadataKey(sign.GPG))
	for _, engine := range sign.Engines() {
		require.Equal(t, "ostree.sign."+engine, sign.MetadataKey(engine))
	}
}
