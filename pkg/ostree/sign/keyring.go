package sign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxKeyring bounds the keyrings that are read. The one of all of Debian's
// developers has seven megabytes.
const maxKeyring = 64 << 20

// A Keyring is a set of OpenPGP keys that are trusted, and the [Verifier] of
// the engine [GPG]. The zero value is empty. It may be used by several
// goroutines once nothing is added any more.
type Keyring struct {
	// Clock gives the time at which keys and signatures must not have expired.
	// Nil means time.Now.
	Clock func() time.Time
	// AllowSHA1 accepts signatures over SHA-1, which gpg made until 2014. They
	// can be forged at some expense.
	AllowSHA1 bool

	certs  []*certificate // in the order in which they came
	places []string
}

// ReadKeyring reads a keyring, binary or in ASCII armour.
func ReadKeyring(r io.Reader) (*Keyring, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxKeyring+1))
	if err != nil {
		return nil, err
	}
	k := &Keyring{}
	return k, k.Add(data)
}

// LoadKeyring reads the keyring in a file.
func LoadKeyring(path string) (*Keyring, error) {
	k := &Keyring{}
	return k, k.AddFile(path)
}

// Add adds the keys of a keyring, binary or in ASCII armour, which may hold
// several blocks. Keys that are already there gain what is new, such as later
// expiry dates and revocations. Keys of a kind that nobody understands are left
// out.
func (k *Keyring) Add(data []byte) error {
	if len(data) > maxKeyring {
		return fmt.Errorf("keyring is longer than %d bytes", maxKeyring)
	}
	blocks, err := dearmor(data)
	if err != nil {
		return err
	}
	for _, block := range blocks {
		certs, orphans, err := readCertificates(block)
		if err != nil {
			return err
		}
		for _, c := range certs {
			k.merge(c)
		}
		for _, s := range orphans {
			k.adopt(s)
		}
	}
	return nil
}

// AddFile adds the keyring in a file, see [Keyring.Add].
func (k *Keyring) AddFile(path string) error {
	f, err := openRegular(path)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKeyring+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	k.places = append(k.places, path)
	if err := k.Add(data); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// AddDir adds the keyrings of a directory: its regular files "*.gpg", without
// the trust database and the secret keys of a gpg home directory.
func (k *Keyring) AddDir(dir string) error {
	return k.addDir(dir, func(name string) bool {
		return strings.HasSuffix(name, ".gpg") && name != "trustdb.gpg" && name != "secring.gpg"
	}, nil)
}

// AddPath adds a file of keys, or all files of a directory that hold keys, the
// meaning of gpgkeypath in the configuration of a remote.
func (k *Keyring) AddPath(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return k.AddFile(path)
	}
	// Such a directory may hold other things as well.
	var skipped []error
	all := func(name string) bool { return name != "secring.gpg" && name != "trustdb.gpg" }
	return k.addDir(path, all, &skipped)
}

// addDir adds files in the order of their names. Those that are no keyrings end
// up in skipped, if there is one.
func (k *Keyring) addDir(dir string, want func(name string) bool, skipped *[]error) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	k.places = append(k.places, dir)
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() || !want(entry.Name()) {
			continue
		}
		places := k.places
		err := k.AddFile(path)
		k.places = places
		switch {
		case err == nil:
		case skipped == nil:
			return err
		default:
			*skipped = append(*skipped, err)
		}
	}
	return nil
}

// AddKeyring adds the keys of another keyring. They are shared, so that neither
// may change any more.
func (k *Keyring) AddKeyring(other *Keyring) {
	for _, c := range other.certs {
		k.merge(c)
	}
	k.places = append(k.places, other.places...)
}

func (k *Keyring) merge(c *certificate) {
	for i, old := range k.certs {
		if old.sameKey(c) {
			k.certs[i] = old.merged(c)
			return
		}
	}
	k.certs = append(k.certs, c)
}

// adopt adds a revocation that stands alone, as revocation certificates do, to
// the key that made it.
func (k *Keyring) adopt(s *sigPacket) {
	sig := s.parse()
	if sig == nil {
		return
	}
	for i, c := range k.certs {
		if sig.CheckKeyIdOrFingerprint(c.key) {
			k.certs[i] = c.merged(&certificate{key: c.key, direct: []*sigPacket{s}})
		}
	}
}

// Len returns the number of keys, subkeys not counted.
func (k *Keyring) Len() int { return len(k.certs) }

// Bytes returns the keyring in binary form, without secret keys.
func (k *Keyring) Bytes() ([]byte, error) {
	var b bytes.Buffer
	for _, c := range k.certs {
		if err := c.serialize(&b); err != nil {
			return nil, fmt.Errorf("key %s: %w", c.fingerprint(), err)
		}
	}
	return b.Bytes(), nil
}

// A KeyNotFoundError says that a keyring has no key of a name.
type KeyNotFoundError struct {
	ID        string
	Ambiguous bool // it has several
}

// Error implements error.
func (e *KeyNotFoundError) Error() string {
	if e.Ambiguous {
		return fmt.Sprintf("more than one key matches %q; give its fingerprint", e.ID)
	}
	return fmt.Sprintf("no key matches %q", e.ID)
}

// Import adds keys of another keyring and returns how many of them were not
// there yet; of the others it takes what is new. Without ids it adds all keys,
// else those that they name: by fingerprint, by key ID, or by a part of a user
// ID, as for gpg. If one of them is not found, nothing changes.
func (k *Keyring) Import(from *Keyring, ids []string) (int, error) {
	chosen := from.certs
	if len(ids) > 0 {
		chosen = nil
		for _, id := range ids {
			c, err := from.find(id)
			if err != nil {
				return 0, err
			}
			if !slices.Contains(chosen, c) {
				chosen = append(chosen, c)
			}
		}
	}
	before := len(k.certs)
	for _, c := range chosen {
		k.merge(c)
	}
	return len(k.certs) - before, nil
}

func (k *Keyring) find(id string) (*certificate, error) {
	var found *certificate
	for _, c := range k.certs {
		if !c.matches(id) {
			continue
		}
		if found != nil {
			return nil, &KeyNotFoundError{ID: id, Ambiguous: true}
		}
		found = c
	}
	if found == nil {
		return nil, &KeyNotFoundError{ID: id}
	}
	return found, nil
}

func (k *Keyring) now() time.Time {
	if k.Clock != nil {
		return k.Clock()
	}
	return time.Now()
}
