package ostree_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// pgpSigner makes an OpenPGP key and returns it as a signer and as a keyring.
func pgpSigner(t *testing.T, name string) (sign.Signer, []byte) {
	t.Helper()
	born := time.Now().Add(-time.Hour)
	e, err := openpgp.NewEntity(name, "", name+"@keys.example", &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return born },
	})
	require.NoError(t, err)
	e.Subkeys = nil
	var secret, public bytes.Buffer
	require.NoError(t, e.SerializePrivateWithoutSigning(&secret, nil))
	require.NoError(t, e.Serialize(&public))
	s, err := sign.NewOpenPGPSigner(secret.Bytes(), sign.OpenPGPSignerOptions{})
	require.NoError(t, err)
	return s, public.Bytes()
}

func edSigner(t *testing.T, seed byte) (sign.Signer, string) {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	s, err := sign.NewSigner(sign.Ed25519, base64.StdEncoding.EncodeToString(key), sign.Options{})
	require.NoError(t, err)
	return s, base64.StdEncoding.EncodeToString(key[ed25519.SeedSize:])
}

func signCommit(t *testing.T, r *ostree.Repo, c ostree.Checksum, signers ...sign.Signer) error {
	t.Helper()
	return r.Update(t.Context(), func(w *ostree.Writer) error { return w.SignCommit(t.Context(), c, signers...) })
}

func count(t *testing.T, r *ostree.Repo, c ostree.Checksum, engine string) int {
	t.Helper()
	m, err := r.DetachedMetadata(t.Context(), c)
	require.NoError(t, err)
	v, ok := m.Lookup(sign.MetadataKey(engine))
	if !ok {
		return 0
	}
	require.Equal(t, "aay", v.Type())
	return v.Len()
}

func TestSignCommit(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, r, "main", ostreetest.Plain())
	alice, _ := pgpSigner(t, "alice")
	bob, bobKey := pgpSigner(t, "bob")
	ed, public := edSigner(t, 1)

	require.NoError(t, signCommit(t, r, c, alice, ed))
	require.NoError(t, signCommit(t, r, c, bob, ed))
	require.Equal(t, 2, count(t, r, c, sign.GPG))
	require.Equal(t, 1, count(t, r, c, sign.Ed25519), "the same signature again adds nothing")
	var already *ostree.AlreadySignedError
	require.ErrorAs(t, signCommit(t, r, c, alice), &already)
	require.Equal(t, c, already.Commit)
	require.ErrorIs(t, signCommit(t, r, ostree.Checksum{1}, ed), ostree.ErrObjectNotFound)

	keys, err := r.AllKeys("")
	require.NoError(t, err)
	require.NoError(t, keys.Add(bobKey))
	found, err := r.CommitSignatures(t.Context(), c, keys)
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.True(t, found[0].Missing)
	require.True(t, found[1].Valid())

	key, err := sign.ParsePublicKey(sign.Ed25519, public)
	require.NoError(t, err)
	v, err := sign.NewVerifier(sign.Ed25519, sign.Keys{Trusted: [][]byte{key}}, sign.Options{})
	require.NoError(t, err)
	results, err := r.VerifyCommit(t.Context(), c, &ostree.Verification{All: []sign.Verifier{keys}, Any: []sign.Verifier{v}})
	require.NoError(t, err)
	require.Len(t, results, 2)

	var deleted int
	drop := func(engine string, f func([]byte) bool) int {
		require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
			var err error
			deleted, err = w.DeleteSignatures(t.Context(), c, engine, f)
			return err
		}))
		return deleted
	}
	require.Equal(t, 1, drop(sign.GPG, keys.MadeBy([]string{"bob", "nobody"})))
	require.Equal(t, 0, drop(sign.GPG, keys.MadeBy([]string{"bob"})))
	require.Equal(t, 1, count(t, r, c, sign.GPG))
	require.Equal(t, 1, drop(sign.GPG, func([]byte) bool { return true }))
	require.Equal(t, 1, drop(sign.Ed25519, func([]byte) bool { return true }))
	m, err := r.DetachedMetadata(t.Context(), c)
	require.NoError(t, err)
	require.Empty(t, m)
}

// TestSignCommitOddMetadata: what is not a list of signatures is left alone.
func TestSignCommitOddMetadata(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUserOnly)
	c := ostreetest.Commit(t, r, "main", ostreetest.Plain())
	ed, _ := edSigner(t, 1)
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
		return w.WriteDetachedMetadata(t.Context(), c, ostree.Metadata{{Key: "ostree.sign.ed25519", Value: gvariant.String("x")}})
	}))
	require.ErrorContains(t, signCommit(t, r, c, ed), `type "s", not aay`)
}

// TestSignNewCommit signs in the update that writes the commit.
func TestSignNewCommit(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeArchive)
	ed, _ := edSigner(t, 1)
	old := ostreetest.Commit(t, r, "main", ostreetest.Plain())
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
		commit, err := w.LoadCommit(t.Context(), old)
		require.NoError(t, err)
		commit.Subject = "another"
		c, err := w.WriteCommit(t.Context(), *commit)
		require.NoError(t, err)
		require.NoError(t, w.SignCommit(t.Context(), c, ed))
		return w.SetRef(ostree.Refspec{Ref: "main"}, c)
	}))
	c, err := r.Resolve(t.Context(), "main")
	require.NoError(t, err)
	require.Equal(t, 1, count(t, r, c, sign.Ed25519))
}

// TestSignInterop has Debian's ostree look at what we signed and we at what it
// signed.
func TestSignInterop(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("ostree"), testenv.Tool("gpg"))
	r := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, r, "main", ostreetest.Plain())
	alice, public := pgpSigner(t, "alice")
	require.NoError(t, r.SetConfigValue(`remote "origin"`, "url", "http://archive.example/"))
	keys := &sign.Keyring{}
	require.NoError(t, keys.Add(public))
	n, err := r.ImportRemoteKeys(t.Context(), "origin", keys, []string{"alice"})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, signCommit(t, r, c, alice))
	shown := ostreetest.CLI(t, r, "show", "--gpg-verify-remote=origin", "main")
	require.Contains(t, shown, "Found 1 signature:\n")
	require.Contains(t, shown, `Good signature from "alice <alice@keys.example>"`)
	found, err := r.CommitSignatures(t.Context(), c, keys)
	require.NoError(t, err)
	require.Contains(t, shown+"\n", found[0].Describe("  ", time.Local))
}

func TestVerification(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, r, "main", ostreetest.Plain())
	_, aliceKey := pgpSigner(t, "alice")
	ed, public := edSigner(t, 1)
	_, other := edSigner(t, 2)
	require.NoError(t, signCommit(t, r, c, ed))

	dir := t.TempDir()
	file := filepath.Join(dir, "keys")
	require.NoError(t, os.WriteFile(file, []byte(other+"\n"), 0o644))
	system := filepath.Join(dir, "system")
	require.NoError(t, os.Mkdir(system, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(system, "trusted.ed25519"), []byte(public+"\n"), 0o644))
	home := filepath.Join(dir, "home")
	require.NoError(t, os.Mkdir(home, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(home, "a.gpg"), aliceKey, 0o644))

	for name, c2 := range map[string]struct {
		config  map[string]string
		system  bool
		problem string // of the configuration or the signature; empty: verified
	}{
		"default is gpg":    {config: map[string]string{}, problem: "no gpg signature"},
		"nothing asked":     {config: map[string]string{"gpg-verify": "false"}},
		"inline key":        {config: map[string]string{"gpg-verify": "false", "sign-verify": "true", "verification-ed25519-key": public}},
		"wrong key":         {config: map[string]string{"gpg-verify": "0", "sign-verify": "1", "verification-ed25519-key": other}, problem: "none of 1 ed25519"},
		"file and key":      {config: map[string]string{"gpg-verify": "false", "sign-verify": "ed25519", "verification-ed25519-key": public, "verification-ed25519-file": file}},
		"file":              {config: map[string]string{"gpg-verify": "false", "sign-verify": "ed25519", "verification-ed25519-file": file}, problem: "none of 1 ed25519"},
		"no such file":      {config: map[string]string{"gpg-verify": "false", "sign-verify": "ed25519", "verification-ed25519-file": "/no/such"}, problem: "/no/such"},
		"bad key":           {config: map[string]string{"gpg-verify": "false", "sign-verify": "ed25519", "verification-ed25519-key": "x"}, problem: "verification-ed25519-key"},
		"listed, no keys":   {config: map[string]string{"gpg-verify": "false", "sign-verify": "spki;ed25519", "verification-ed25519-key": public}, problem: "no spki key"},
		"unlisted system":   {config: map[string]string{"gpg-verify": "false", "sign-verify": "true"}, system: true},
		"no system keys":    {config: map[string]string{"gpg-verify": "false", "sign-verify": "true"}, problem: "no ed25519 key"},
		"unknown engine":    {config: map[string]string{"gpg-verify": "false", "sign-verify": "rot13"}, problem: `"rot13"`},
		"both":              {config: map[string]string{"sign-verify": "ed25519", "verification-ed25519-key": public}, problem: "no gpg signature"},
		"neither true":      {config: map[string]string{"gpg-verify": "yes"}, problem: "not a boolean"},
		"mixed separators":  {config: map[string]string{"gpgkeypath": "a,b;c"}, problem: "use one of them"},
		"missing key path":  {config: map[string]string{"gpgkeypath": "/no/such/dir/"}, problem: "/no/such/dir"},
		"other engine only": {config: map[string]string{"gpg-verify": "false", "sign-verify": "dummy", "verification-dummy-key": "x"}, problem: "no signature of any kind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := ostreetest.Repo(t, ostree.ModeArchive)
			require.NoError(t, repo.SetConfigValue(`remote "r"`, "url", "http://archive.example/"))
			for key, value := range c2.config {
				require.NoError(t, repo.SetConfigValue(`remote "r"`, key, value))
			}
			opts := ostree.Options{GPGHome: home, SignKeyDirs: []string{filepath.Join(dir, "nowhere")}}
			if c2.system {
				opts.SignKeyDirs = []string{system}
			}
			repo, err := ostree.Open(repo.Path(), opts)
			require.NoError(t, err)
			defer repo.Close()
			v, err := repo.CommitVerification("r")
			if err == nil {
				_, err = r.VerifyCommit(t.Context(), c, v)
			}
			if c2.problem == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c2.problem)
		})
	}
	require.NoError(t, r.SetConfigValue(`remote "r"`, "url", "http://archive.example/"))
	v, err := r.SummaryVerification("r")
	require.NoError(t, err)
	require.False(t, v.Needed())
	var missing *ostree.RemoteNotFoundError
	_, err = r.CommitVerification("nowhere")
	require.ErrorAs(t, err, &missing)
	_, err = r.RemoteKeys("nowhere")
	require.ErrorAs(t, err, &missing)
	_, err = r.ImportRemoteKeys(t.Context(), "nowhere", &sign.Keyring{}, nil)
	require.ErrorAs(t, err, &missing)
}

// TestRemoteKeyring: a keyring of the remote keeps that of the system out, and
// the repository comes before its parent.
func TestRemoteKeyring(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	ring := func(name string) *sign.Keyring {
		_, public := pgpSigner(t, name)
		k := &sign.Keyring{}
		require.NoError(t, k.Add(public))
		return k
	}
	system, err := ring("system").Bytes()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(home, "system.gpg"), system, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(home, "README"), []byte("not a keyring"), 0o644))
	parent := ostreetest.Repo(t, ostree.ModeBareUser)
	child := ostreetest.Repo(t, ostree.ModeBareUser)
	require.NoError(t, parent.SetConfigValue(`remote "r"`, "url", "http://archive.example/"))
	require.NoError(t, child.SetConfigValue("core", "parent", parent.Path()))
	repo, err := ostree.Open(child.Path(), ostree.Options{GPGHome: home})
	require.NoError(t, err)
	defer repo.Close()
	names := func() []string {
		k, err := repo.RemoteKeyring("r")
		require.NoError(t, err)
		var list []string
		for _, key := range k.Keys() {
			list = append(list, key.Users[0].Name)
		}
		return list
	}
	require.Equal(t, []string{"system"}, names())
	own, err := repo.RemoteKeys("r")
	require.NoError(t, err)
	require.Zero(t, own.Len())
	global, err := repo.RemoteKeys("")
	require.NoError(t, err)
	require.Equal(t, 1, global.Len())

	path := filepath.Join(home, "keys")
	require.NoError(t, os.Mkdir(path, 0o755))
	extra, err := ring("path").Bytes()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(path, "path.asc"), extra, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(path, "notes"), []byte("not a keyring"), 0o644))
	require.NoError(t, parent.SetConfigValue(`remote "r"`, "gpgkeypath", path+";"))
	reopened, err := ostree.Open(child.Path(), ostree.Options{GPGHome: home})
	require.NoError(t, err)
	defer reopened.Close()
	repo = reopened
	require.Equal(t, []string{"path", "system"}, names())

	_, err = parent.ImportRemoteKeys(t.Context(), "r", ring("parent"), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"parent", "path"}, names())
	_, err = repo.ImportRemoteKeys(t.Context(), "r", ring("child"), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"child", "path"}, names())
	all, err := repo.AllKeys("")
	require.NoError(t, err)
	require.Equal(t, 2, all.Len())
}
