package sign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// A GPGSigner signs with a secret key that GnuPG keeps, by running gpg. The
// agent of GnuPG may ask for a passphrase or for a smart card. gpg gets the
// environment of the process.
type GPGSigner struct {
	// KeyID names the key: fingerprint, key ID, or anything else that gpg takes.
	KeyID string
	// Home is the home directory of GnuPG. Empty means that of the user.
	Home string
	// Program is the program to run. Empty means "gpg", looked up in PATH.
	Program string
}

// A SecretKeyError says that GnuPG has no secret key of a name.
type SecretKeyError struct {
	KeyID string
	Home  string // empty: that of the user
	Err   error  // what gpg said
}

// Error implements error.
func (e *SecretKeyError) Error() string {
	home := "of the user"
	if e.Home != "" {
		home = e.Home
	}
	return fmt.Sprintf("no secret key %q in the GnuPG home directory %s: %v", e.KeyID, home, e.Err)
}

// Unwrap returns what gpg said.
func (e *SecretKeyError) Unwrap() error { return e.Err }

// Engine implements Signer.
func (s *GPGSigner) Engine() string { return GPG }

// gpgGrace is how long gpg may take to end after it was told to.
const gpgGrace = 5 * time.Second

// Sign implements Signer. It is a [*SecretKeyError] if there is no such key.
func (s *GPGSigner) Sign(ctx context.Context, data []byte) ([]byte, error) {
	out, noKey, err := runGPG(ctx, s.Program, s.Home, data,
		"--status-fd=2", "--no-armor", "--detach-sign", "--output=-", "--local-user="+s.KeyID)
	switch {
	case noKey:
		return nil, &SecretKeyError{KeyID: s.KeyID, Home: s.Home, Err: err}
	case err != nil:
		return nil, err
	case len(Issuers(out)) == 0:
		return nil, fmt.Errorf("gpg printed %d bytes that are not a signature", len(out))
	}
	return out, nil
}

// ExportKeys returns the public keys of a home directory of GnuPG, by running
// gpg. Empty means that of the user.
func ExportKeys(ctx context.Context, home string) (*Keyring, error) {
	out, _, err := runGPG(ctx, "", home, nil, "--no-armor", "--export")
	if err != nil {
		return nil, err
	}
	k := &Keyring{}
	return k, k.Add(out)
}

// runGPG also says whether a secret key was missing.
func runGPG(ctx context.Context, program, home string, stdin []byte, args ...string) (out []byte, noKey bool, err error) {
	if program == "" {
		program = "gpg"
	}
	if home != "" {
		args = append(args, "--homedir="+home)
	}
	cmd := exec.CommandContext(ctx, program, append(args, "--batch", "--no-tty")...) //nolint:gosec // no shell, and what users give follows "="
	cmd.WaitDelay = gpgGrace
	cmd.Stdin = bytes.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		noKey, err = explainGPG(ctx, err, stderr.String())
		return nil, noKey, err
	}
	return stdout.Bytes(), false, nil
}

// explainGPG takes from the output of gpg what people should read, and whether
// the key is what is missing: see doc/DETAILS of GnuPG for the status lines.
func explainGPG(ctx context.Context, err error, output string) (noKey bool, _ error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if errors.Is(err, exec.ErrNotFound) {
		return false, fmt.Errorf("using the keys of GnuPG needs gpg: %w", err)
	}
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		status, isStatus := strings.CutPrefix(line, "[GNUPG:] ")
		noKey = noKey || strings.HasPrefix(status, "INV_SGNR ") && isStatus
		if line = strings.TrimPrefix(line, "gpg: "); line != "" && !isStatus {
			said = append(said, line)
		}
	}
	if len(said) > 0 {
		err = errors.New("gpg: " + strings.Join(said, "; "))
	}
	return noKey, err
}
