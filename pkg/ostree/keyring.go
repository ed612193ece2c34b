package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// RemoteKeyring returns the OpenPGP keys that are trusted for what comes from a
// remote: those of its keyring, which is NAME.trustedkeys.gpg in the repository,
// or else in the directory of remotes of the system, or else in the parent
// repository; and those that gpgkeypath in its configuration names. A remote
// without a keyring also trusts the keyrings of the system, see
// [Options.GPGHome].
func (r *Repo) RemoteKeyring(remote string) (*sign.Keyring, error) {
	k, own, err := r.remoteKeys(remote)
	if err != nil {
		return nil, err
	}
	if !own {
		err = r.addSystemKeys(k)
	}
	return k, err
}

// RemoteKeys returns the OpenPGP keys that a remote brings itself, or those of
// the system for an empty name.
func (r *Repo) RemoteKeys(remote string) (*sign.Keyring, error) {
	if remote == "" {
		k := r.newKeyring()
		return k, r.addSystemKeys(k)
	}
	k, _, err := r.remoteKeys(remote)
	return k, err
}

// AllKeys returns the OpenPGP keys of all remotes and of the system, for saying
// what the signatures of a commit are of which nobody remembers the remote.
// Home, if not empty, is a gpg home directory whose public keys count too.
func (r *Repo) AllKeys(home string) (*sign.Keyring, error) {
	k := r.newKeyring()
	if err := k.AddDir(r.path); err != nil {
		return nil, fmt.Errorf("keyrings of remotes: %w", err)
	}
	if err := r.addSystemKeys(k); err != nil {
		return nil, err
	}
	if home != "" {
		if err := k.AddDir(home); err != nil {
			return nil, fmt.Errorf("gpg home directory: %w", err)
		}
	}
	return k, nil
}

func (r *Repo) newKeyring() *sign.Keyring { return &sign.Keyring{Clock: r.opts.Clock} }

// remoteKeys also says whether the remote has a keyring of its own.
func (r *Repo) remoteKeys(remote string) (k *sign.Keyring, own bool, err error) {
	if _, err := r.Remote(remote); err != nil {
		return nil, false, err
	}
	k = r.newKeyring()
	for repo := r; repo != nil && !own; repo = repo.parent {
		if own, err = repo.addRemoteKeyring(k, remote); err != nil {
			return nil, false, fmt.Errorf("keyring of remote %s: %w", remote, err)
		}
	}
	paths, err := r.keyPaths(remote)
	if err != nil {
		return nil, false, err
	}
	for _, path := range paths {
		if err := k.AddPath(path); err != nil {
			return nil, false, &KeyPathError{Remote: remote, Path: path, Err: err}
		}
	}
	return k, own, nil
}

func (r *Repo) addRemoteKeyring(k *sign.Keyring, remote string) (bool, error) {
	for _, dir := range []string{r.path, r.opts.RemotesDir} {
		if dir == "" {
			continue
		}
		err := k.AddFile(filepath.Join(dir, keyringName(remote)))
		if !errors.Is(err, fs.ErrNotExist) {
			return err == nil, err
		}
	}
	return false, nil
}

// keyringName is that of the file with the keys of a remote.
func keyringName(remote string) string { return remote + ".trustedkeys.gpg" }

// A KeyPathError says that a path in gpgkeypath gives no keys.
type KeyPathError struct {
	Remote string
	Path   string
	Err    error
}

// Error implements error.
func (e *KeyPathError) Error() string {
	return fmt.Sprintf("remote %s: gpgkeypath %q: %v", e.Remote, e.Path, e.Err)
}

// Unwrap returns what is wrong with it.
func (e *KeyPathError) Unwrap() error { return e.Err }

// A SeparatorError says that the list of gpgkeypath has both commas and
// semicolons, so that nobody can tell what separates.
type SeparatorError struct{ Remote, Value string }

// Error implements error.
func (e *SeparatorError) Error() string {
	return fmt.Sprintf("remote %s: gpgkeypath %q separates with both , and ;, use one of them", e.Remote, e.Value)
}

func (r *Repo) keyPaths(remote string) ([]string, error) {
	value, _ := r.remoteOption(remote, "gpgkeypath")
	if value == "" {
		return nil, nil
	}
	separator := ";"
	if strings.Contains(value, ",") {
		if strings.Contains(value, separator) {
			return nil, &SeparatorError{Remote: remote, Value: value}
		}
		separator = ","
	}
	return strings.Split(strings.TrimSuffix(value, separator), separator), nil
}

// addSystemKeys permits that there is no such directory.
func (r *Repo) addSystemKeys(k *sign.Keyring) error {
	dir := r.opts.GPGHome
	if dir == "" {
		dir = "/usr/share/ostree/trusted.gpg.d"
	}
	if err := k.AddDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keyrings of the system: %w", err)
	}
	return nil
}

// ImportRemoteKeys adds OpenPGP keys to the keyring of a remote and returns how
// many of them are new; see [sign.Keyring.Import] for the choice by ids. The
// keyring replaces one in the parent repository and those of the system.
func (r *Repo) ImportRemoteKeys(ctx context.Context, remote string, keys *sign.Keyring, ids []string) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if _, err := r.Remote(remote); err != nil {
		return 0, err
	}
	path := filepath.Join(r.path, keyringName(remote))
	k := r.newKeyring()
	if err := k.AddFile(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("import keys for remote %s: %w", remote, err)
	}
	added, err := k.Import(keys, ids)
	if err != nil {
		return 0, fmt.Errorf("import keys for remote %s: %w", remote, err)
	}
	data, err := k.Bytes()
	if err == nil {
		err = fsx.WriteFile(path, data, 0o644)
	}
	if err != nil {
		return 0, fmt.Errorf("import keys for remote %s: %w", remote, err)
	}
	return added, nil
}
