package sign_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// gnupg is a GnuPG home directory.
type gnupg struct {
	t    *testing.T
	home string
}

func newGnuPG(t *testing.T) *gnupg {
	t.Helper()
	testenv.Need(t, testenv.Tool("gpg"))
	home, err := os.MkdirTemp("", "gpg") //nolint:usetesting // the path of the agent's socket must be short
	require.NoError(t, err)
	g := &gnupg{t: t, home: home}
	t.Cleanup(func() {
		// The agent ends by itself when the directory is gone.
		require.NoError(t, os.RemoveAll(home))
	})
	return g
}

func (g *gnupg) run(args ...string) string {
	g.t.Helper()
	cmd := exec.CommandContext(g.t.Context(), "gpg", append([]string{
		"--homedir=" + g.home, "--batch", "--no-tty", "--quiet", "--pinentry-mode=loopback", "--passphrase=",
	}, args...)...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	require.NoError(g.t, err, errs.String())
	return string(out)
}

func (g *gnupg) keyring() *sign.Keyring {
	g.t.Helper()
	k := &sign.Keyring{}
	require.NoError(g.t, k.Add([]byte(g.run("--export"))))
	return k
}

// TestGnuPG signs with keys of gpg and has it judge what we sign.
func TestGnuPG(t *testing.T) {
	t.Parallel()
	g := newGnuPG(t)
	g.run("--quick-generate-key", "Some One <one@keys.example>", "ed25519", "sign", "never")
	primary := g.keyring().Keys()[0].Fingerprint
	g.run("--quick-add-key", primary, "rsa2048", "sign", "never")
	k := g.keyring()
	key := k.Keys()[0]
	require.Equal(t, "Some One <one@keys.example>", key.Users[0].Text)
	require.Len(t, key.Subkeys, 1)

	for _, id := range []string{primary, primary[24:], "one@keys.example", key.Subkeys[0].Fingerprint} {
		signer := &sign.GPGSigner{KeyID: id, Home: g.home}
		signature, err := signer.Sign(t.Context(), data)
		require.NoError(t, err)
		result, err := k.Verify(t.Context(), data, [][]byte{signature})
		require.NoError(t, err)
		require.Equal(t, key.Subkeys[0].Fingerprint, result.Key, "gpg takes the newest subkey")
	}
	signature, err := (&sign.GPGSigner{KeyID: primary + "!", Home: g.home}).Sign(t.Context(), data)
	require.NoError(t, err)
	result, err := k.Verify(t.Context(), data, [][]byte{signature})
	require.NoError(t, err)
	require.Equal(t, primary, result.Key)

	secret := g.run("--export-secret-keys", primary)
	signer, err := sign.NewOpenPGPSigner([]byte(secret), sign.OpenPGPSignerOptions{})
	require.NoError(t, err)
	signature, err = signer.Sign(t.Context(), data)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data"), data, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data.sig"), signature, 0o644))
	require.Contains(t, g.run("--status-fd=1", "--verify", filepath.Join(dir, "data.sig"), filepath.Join(dir, "data")), "GOODSIG")

	// The public keyring that we write is one for gpg.
	public, err := k.Bytes()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "keys.gpg"), public, 0o644))
	other := newGnuPG(t)
	other.run("--import", filepath.Join(dir, "keys.gpg"))
	require.Equal(t, k.Keys(), other.keyring().Keys())

	// A revocation certificate is a keyring of its own kind.
	rev, err := os.ReadFile(filepath.Join(g.home, "openpgp-revocs.d", primary+".rev"))
	require.NoError(t, err)
	require.NoError(t, k.Add([]byte(strings.Replace(string(rev), ":-----BEGIN", "-----BEGIN", 1))))
	_, err = k.Verify(t.Context(), data, [][]byte{signature})
	require.ErrorContains(t, err, "revoked")
}

func TestGPGSignerErrors(t *testing.T) {
	t.Parallel()
	g := newGnuPG(t)
	var missing *sign.SecretKeyError
	_, err := (&sign.GPGSigner{KeyID: "0123456789ABCDEF", Home: g.home}).Sign(t.Context(), data)
	require.ErrorAs(t, err, &missing)
	require.Equal(t, g.home, missing.Home)
	_, err = (&sign.GPGSigner{KeyID: "A", Program: "no-such-gpg"}).Sign(t.Context(), data)
	require.ErrorIs(t, err, exec.ErrNotFound)
	_, err = (&sign.GPGSigner{KeyID: "A", Program: "true"}).Sign(t.Context(), data)
	require.ErrorContains(t, err, "not a signature")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = (&sign.GPGSigner{KeyID: "A", Program: "cat"}).Sign(ctx, data)
	require.ErrorIs(t, err, context.Canceled)
}
