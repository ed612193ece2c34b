package sign

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// LoadKeyFile reads the public keys of a file, see [ReadPublicKeys]. It is a
// [*NoKeysError] if there are none in it.
func LoadKeyFile(engine, path string) ([][]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	keys, err := ReadPublicKeys(engine, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, atPlace(err, path)
	}
	if len(keys) == 0 {
		return nil, &NoKeysError{Engine: engine, Places: []string{path}}
	}
	return keys, nil
}

// LoadSigners reads the secret keys of a file, see [ReadSigners].
func LoadSigners(engine, path string, opts Options) ([]Signer, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	signers, err := ReadSigners(engine, f, opts)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, atPlace(err, path)
	}
	return signers, nil
}

// A NotRegularError says that what should be a file of keys is no regular file.
type NotRegularError struct {
	Path string
	Err  error // why it cannot be looked at, nil if it is something else
}

// Error implements error.
func (e *NotRegularError) Error() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("%s is not a regular file", e.Path)
}

// Unwrap returns why it cannot be looked at.
func (e *NotRegularError) Unwrap() error { return e.Err }

// openRegular does not block on a pipe that stands where keys belong.
func openRegular(path string) (*os.File, error) {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() {
		return nil, &NotRegularError{Path: path, Err: err}
	}
	return os.Open(path)
}

// SystemDirs returns the directories of the keys that a system trusts, for
// [LoadKeyDirs].
func SystemDirs() []string { return []string{"/etc/ostree", "/usr/share/ostree"} }

// LoadKeyDirs reads the keys that a system trusts, from the files
// trusted.ENGINE and trusted.ENGINE.d/* of the given directories, and those
// that it does not trust any more from revoked.ENGINE and revoked.ENGINE.d/*.
//
// Files of trusted keys that cannot be read only take keys away, so they are
// left out unless nothing remains. Files of revoked keys must be readable: to
// leave one out would trust more than the owner of the system wants.
func LoadKeyDirs(engine string, dirs ...string) (Keys, error) {
	var keys Keys
	var skipped []error
	for _, dir := range dirs {
		trusted, err := loadKeyDir(engine, filepath.Join(dir, "trusted."+engine))
		if err != nil {
			skipped = append(skipped, err)
		}
		keys.Trusted = append(keys.Trusted, trusted...)
		revoked, err := loadKeyDir(engine, filepath.Join(dir, "revoked."+engine))
		if err != nil {
			return Keys{}, fmt.Errorf("revoked keys: %w", err)
		}
		keys.Revoked = append(keys.Revoked, revoked...)
	}
	if len(keys.Trusted) == 0 {
		return Keys{}, &NoKeysError{Engine: engine, Places: dirs, Err: errors.Join(skipped...)}
	}
	return keys, nil
}

// loadKeyDir reads base and base.d/*. It returns what it could read and what
// went wrong with the rest.
func loadKeyDir(engine, base string) ([][]byte, error) {
	files := []string{base}
	entries, err := os.ReadDir(base + ".d")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, entry := range entries {
		files = append(files, filepath.Join(base+".d", entry.Name()))
	}
	var keys [][]byte
	var errs []error
	for i, file := range files {
		more, err := LoadKeyFile(engine, file)
		if i == 0 && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var none *NoKeysError
		if err != nil && !errors.As(err, &none) {
			errs = append(errs, err)
		}
		keys = append(keys, more...)
	}
	return keys, errors.Join(errs...)
}
