package archive_test

import (
	"bytes"
	"crypto"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

const text = "Origin: Test\n- dashed\nDescription: x\n .\n -- \n"

func keyring(t testing.TB, keys ...*apttest.Key) *archive.Keyring {
	t.Helper()
	k := new(archive.Keyring)
	for _, key := range keys {
		require.NoError(t, k.Add("test.gpg", key.Public(t)))
	}
	return k
}

// inline is a clear-signed file, whether it is good, and why not.
type inline struct {
	data   []byte
	reason archive.Reason // "" for a good one
	// gpgvTakes says that gpgv accepts a file that is refused here: it reads what it likes and
	// leaves the rest to its caller.
	gpgvTakes bool
}

func inlines(t testing.TB, good, other *apttest.Key) map[string]inline {
	t.Helper()
	now := time.Now().Add(-time.Minute)
	signed := apttest.ClearSign(t, text, now, good)
	cut := func(marker string) (before, after string) {
		i := bytes.Index(signed, []byte(marker))
		return string(signed[:i]), string(signed[i:])
	}
	head, signature := cut("-----BEGIN PGP SIGNATURE")
	return map[string]inline{
		"good":                   {data: signed},
		"carriage returns":       {data: bytes.ReplaceAll(signed, []byte("\n"), []byte("\r\n"))},
		"blanks at ends":         {data: bytes.Replace(signed, []byte("Origin: Test"), []byte("Origin: Test  "), 1)},
		"unknown and good":       {data: apttest.ClearSign(t, text, now, other, good)},
		"unknown":                {data: apttest.ClearSign(t, text, now, other), reason: archive.UnknownKey},
		"unsigned":               {data: []byte(text), reason: archive.Unsigned},
		"empty":                  {data: nil, reason: archive.Unsigned},
		"tampered":               {data: bytes.Replace(signed, []byte("Origin"), []byte("0rigin"), 1), reason: archive.BadSignature},
		"line added":             {data: bytes.Replace(signed, []byte("Origin"), []byte("A: b\nOrigin"), 1), reason: archive.BadSignature},
		"text before":            {data: append([]byte("A: b\n\n"), signed...), reason: archive.BadSignature, gpgvTakes: true},
		"text after":             {data: append(bytes.Clone(signed), "A: b\n"...), reason: archive.BadSignature, gpgvTakes: true},
		"text between":           {data: []byte(head + signature + "A: b\n" + signature), reason: archive.BadSignature, gpgvTakes: true},
		"two messages":           {data: append(bytes.Clone(signed), signed...), reason: archive.BadSignature},
		"no signature":           {data: []byte(head), reason: archive.BadSignature},
		"cut signature":          {data: signed[:len(signed)-40], reason: archive.BadSignature},
		"strange header":         {data: bytes.Replace(signed, []byte("Hash:"), []byte("Comment: A\nHash:"), 1), reason: archive.BadSignature},
		"unescaped dash":         {data: bytes.Replace(signed, []byte("- - dashed"), []byte("-dashed"), 1), reason: archive.BadSignature},
		"signature of something": {data: []byte(strings.Replace(string(signed), signature, string(apttest.DetachSign(t, text, now, good)), 1)), reason: archive.BadSignature},
	}
}

func TestVerifyInline(t *testing.T) {
	t.Parallel()
	good, other := apttest.NewKey(t, apttest.KeyOptions{}), apttest.NewKey(t, apttest.KeyOptions{})
	k := keyring(t, good)
	for name, c := range inlines(t, good, other) {
		body, err := k.VerifyInline(c.data, time.Now())
		if c.reason == "" {
			require.NoError(t, err, name)
			require.Equal(t, strings.ReplaceAll(text, "-- ", "--"), string(body), name)
			continue
		}
		var untrusted *archive.UntrustedError
		require.ErrorAs(t, err, &untrusted, name)
		require.Equal(t, c.reason, untrusted.Reason, "%s: %v", name, err)
		require.Nil(t, body, name)
		require.NotEmpty(t, untrusted.Remedy, name)
	}
}

// TestGpgvAgrees asks gpgv about the same files.
func TestGpgvAgrees(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("gpgv"))
	good, other := apttest.NewKey(t, apttest.KeyOptions{}), apttest.NewKey(t, apttest.KeyOptions{})
	dir := t.TempDir()
	ring := good.Write(t, dir, "good.gpg")
	for name, c := range inlines(t, good, other) {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, c.data, 0o644))
		out, err := exec.CommandContext(t.Context(), "gpgv", "--status-fd", "1", "--keyring", ring, file).CombinedOutput()
		// As apt counts: what matters is a good signature and no bad one, not the exit status.
		accepts := bytes.Contains(out, []byte("GOODSIG")) && !bytes.Contains(out, []byte("BADSIG")) && !bytes.Contains(out, []byte("NODATA")) && !bytes.Contains(out, []byte("ERROR"))
		require.Equal(t, c.reason == "" || c.gpgvTakes, accepts, "%s: %v %s", name, err, out)
	}
}

func TestVerifyPolicy(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		key    apttest.KeyOptions
		signed time.Time
		says   string // "" for a good one
	}{
		"ed25519":     {},
		"rsa 2048":    {key: apttest.KeyOptions{RSABits: 2048}},
		"sha256":      {key: apttest.KeyOptions{Hash: crypto.SHA256}},
		"rsa 1024":    {key: apttest.KeyOptions{RSABits: 1024}, says: "1024 bits"},
		"sha224":      {key: apttest.KeyOptions{RSABits: 2048, Hash: crypto.SHA224}, says: "weak hash SHA-224"},
		"expired":     {key: apttest.KeyOptions{Lifetime: time.Hour}, says: "has expired"},
		"still valid": {key: apttest.KeyOptions{Lifetime: 72 * time.Hour}},
		"nist p-384":  {key: apttest.KeyOptions{Curve: packet.CurveNistP384}},
		"brainpool":   {key: apttest.KeyOptions{Curve: packet.CurveBrainpoolP256}},
		"secp256k1":   {key: apttest.KeyOptions{Curve: packet.CurveSecP256k1}, says: "curve"},
		"ahead":       {signed: now.Add(time.Hour)},
		"older":       {signed: now.Add(-1000 * time.Hour), says: "older than the key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := apttest.NewKey(t, c.key)
			at := c.signed
			if at.IsZero() {
				at = now
			}
			detached := apttest.DetachSign(t, text, at, key)
			err := keyring(t, key).VerifyDetached([]byte(text), detached, now)
			if c.says == "" {
				require.NoError(t, err)
				require.Error(t, keyring(t, key).VerifyDetached([]byte(text+"x"), detached, now))
				return
			}
			var untrusted *archive.UntrustedError
			require.ErrorAs(t, err, &untrusted)
			require.Equal(t, archive.UnusableKey, untrusted.Reason)
			require.ErrorContains(t, err, c.says)
		})
	}
}

// TestVerifyRefusesSHA1 verifies what gpg still makes when it is told to.
func TestVerifyRefusesSHA1(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("gpg"))
	home, err := os.MkdirTemp("", "gpg") //nolint:usetesting // the agent's socket needs a short path
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(home)) })
	file := filepath.Join(home, "Release")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	gpg := func(args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), "gpg", append([]string{"--homedir", home, "--batch", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
		out, err := cmd.Output()
		require.NoError(t, err, args)
		return out
	}
	t.Cleanup(func() {
		// Errors do not matter: the agent ends by itself when its directory is gone.
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "gpg-agent").Run() //nolint:noctx // the test's context is over
	})
	gpg("--quick-generate-key", "test@archive.example", "rsa2048", "sign")
	k := new(archive.Keyring)
	require.NoError(t, k.Add("gpg", gpg("--export")))
	for digest, says := range map[string]string{"SHA512": "", "SHA1": "weak hash SHA-1", "RIPEMD160": "not accepted"} {
		_, err := k.VerifyInline(gpg("--digest-algo", digest, "-o", "-", "--clearsign", file), time.Now().Add(time.Second))
		if says == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, says, digest)
	}
}

func TestVerifyDetachedForms(t *testing.T) {
	t.Parallel()
	key := apttest.NewKey(t, apttest.KeyOptions{})
	k := keyring(t, key)
	now := time.Now()
	armored := apttest.DetachSign(t, text, now, key)
	require.NoError(t, k.VerifyDetached([]byte(text), append(bytes.Clone(armored), armored...), now), "several blocks")
	for name, signature := range map[string][]byte{
		"empty": nil, "garbage": []byte("xyz"), "half": armored[:len(armored)/2], "text after": append(bytes.Clone(armored), "A: b\n"...),
		"inline": apttest.ClearSign(t, text, now, key), "key": []byte(key.Armored(t)),
	} {
		require.Error(t, k.VerifyDetached([]byte(text), signature, now), name)
	}
}

func TestLoadKeyring(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	good, other := apttest.NewKey(t, apttest.KeyOptions{}), apttest.NewKey(t, apttest.KeyOptions{})
	good.Write(t, root, "etc/apt/trusted.gpg.d/good.gpg")
	other.Write(t, root, "usr/share/keyrings/other.asc")
	require.NoError(t, os.WriteFile(filepath.Join(root, "both.asc"), []byte("note\n"+other.Armored(t)+good.Armored(t)), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc/apt/trusted.gpg.d/ignored.txt"), []byte("x"), 0o644))
	byGood := apttest.ClearSign(t, text, time.Now(), good)
	for name, c := range map[string]struct {
		by   source.SignedBy
		says string
	}{
		"global":            {source.SignedBy{}, ""},
		"other only":        {source.SignedBy{Keyrings: []string{"/usr/share/keyrings/other.asc"}}, "/usr/share/keyrings/other.asc"},
		"both":              {source.SignedBy{Keyrings: []string{"/both.asc"}}, ""},
		"embedded":          {source.SignedBy{Key: good.Armored(t)}, ""},
		"fingerprint":       {source.SignedBy{Fingerprints: []string{good.Fingerprint()}}, ""},
		"exact":             {source.SignedBy{Fingerprints: []string{good.Fingerprint() + "!"}}, ""},
		"other fingerprint": {source.SignedBy{Keyrings: []string{"/both.asc"}, Fingerprints: []string{other.Fingerprint()}}, "only " + other.Fingerprint()},
		"missing":           {source.SignedBy{Keyrings: []string{"/missing.gpg"}}, "does not exist"},
		"not a key":         {source.SignedBy{Keyrings: []string{"/etc/apt/trusted.gpg.d/ignored.txt"}}, "no OpenPGP key"},
		"path out of root":  {source.SignedBy{Keyrings: []string{"/../../../../../../../../etc/passwd"}}, "does not exist"},
	} {
		k, err := archive.LoadKeyring(root, c.by)
		if err == nil {
			_, err = k.VerifyInline(byGood, time.Now())
		}
		if c.says == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, c.says, name)
	}
	require.ErrorContains(t, new(archive.Keyring).Add("k.kbx", []byte("\x00\x00\x00\x20\x01\x01\x00\x02KBXf\x00\x00\x00")), "keybox")
}

func FuzzVerify(f *testing.F) {
	key := apttest.NewKey(f, apttest.KeyOptions{})
	for _, c := range inlines(f, key, apttest.NewKey(f, apttest.KeyOptions{})) {
		f.Add(c.data)
	}
	f.Add(apttest.DetachSign(f, text, time.Now(), key))
	k := keyring(f, key)
	signed := strings.ReplaceAll(text, "-- ", "--")
	f.Fuzz(func(t *testing.T, data []byte) {
		body, err := k.VerifyInline(data, time.Now())
		if err == nil && string(body) != signed {
			t.Fatalf("accepted %q", body)
		}
		_ = k.VerifyDetached([]byte("other"), data, time.Now()) // must not panic
		if k.VerifyDetached([]byte("something else"), data, time.Now()) == nil {
			t.Fatal("accepted a signature of another text")
		}
		_, _ = archive.StripSignature(data)
		_ = new(archive.Keyring).Add("fuzz", data)
	})
}
