package archive

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/apt-ostree/apt-ostree/pkg/apt/internal/inroot"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// Keyring is a set of OpenPGP keys that may sign a release. It is immutable once in use and safe for
// concurrent use.
type Keyring struct {
	keys  openpgp.EntityList
	names []string // where the keys come from, for messages
	// fingerprints, if any, are the only ones to count; upper case, with "!" as in a source.
	fingerprints []string
}

// LoadKeyring reads the keys that a source names. Paths are taken from root, "/" for the running
// system. Without paths and an embedded key they are those of /etc/apt/trusted.gpg.d; fingerprints
// restrict them.
func LoadKeyring(root string, s source.SignedBy) (*Keyring, error) {
	k := &Keyring{fingerprints: s.Fingerprints}
	if s.Key != "" {
		if err := k.Add("the key in its Signed-By", []byte(s.Key)); err != nil {
			return nil, err
		}
		return k, nil
	}
	for _, file := range s.Keyrings {
		data, err := inroot.ReadFile(root, file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("keyring %s does not exist: install the package that brings it, or correct Signed-By: %w", file, err)
		}
		if err != nil {
			return nil, fmt.Errorf("keyring %s: %w", file, err)
		}
		if err := k.Add(file, data); err != nil {
			return nil, err
		}
	}
	if len(s.Keyrings) == 0 {
		return k, k.addTrusted(root)
	}
	return k, nil
}

// addTrusted adds the keys that are trusted for every archive.
func (k *Keyring) addTrusted(root string) error {
	const dir = "etc/apt/trusted.gpg.d"
	k.names = []string{"/" + dir}
	names, err := inroot.ReadDir(root, dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if ext := path.Ext(name); ext != ".gpg" && ext != ".asc" {
			continue
		}
		data, err := inroot.ReadFile(root, path.Join(dir, name))
		if err != nil {
			return fmt.Errorf("keyring /%s/%s: %w", dir, name, err)
		}
		if err := k.add("/"+path.Join(dir, name), data); err != nil {
			return err
		}
	}
	return nil
}

// Add adds the keys of a keyring, binary or in ASCII armour. name says in messages where they are.
func (k *Keyring) Add(name string, data []byte) error {
	k.names = append(k.names, name)
	return k.add(name, data)
}

func (k *Keyring) add(name string, data []byte) error {
	keys, err := readKeys(data)
	if err != nil {
		return fmt.Errorf("keyring %s: %w", name, err)
	}
	k.keys = append(k.keys, keys...)
	return nil
}

func readKeys(data []byte) (openpgp.EntityList, error) {
	if len(data) > 12 && bytes.Equal(data[8:12], []byte("KBXf")) {
		return nil, errors.New("a GnuPG keybox, which apt cannot read either: export the keys with gpg --export")
	}
	if len(data) > 0 && data[0]&0x80 != 0 {
		return openpgp.ReadKeyRing(bytes.NewReader(data))
	}
	const begin, end = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----"
	var all openpgp.EntityList
	for rest := string(data); ; {
		from := strings.Index(rest, begin)
		if from < 0 {
			break
		}
		length := strings.Index(rest[from:], end)
		if length < 0 {
			return nil, errors.New("an armoured key has no end")
		}
		to := from + length + len(end)
		keys, err := openpgp.ReadArmoredKeyRing(strings.NewReader(rest[from:to] + "\n"))
		if err != nil {
			return nil, err
		}
		all = append(all, keys...)
		rest = rest[to:]
	}
	if len(all) == 0 {
		return nil, errors.New("no OpenPGP key in it")
	}
	return all, nil
}

// allows reports whether the fingerprints of the source, if there are any, admit a key.
func (k *Keyring) allows(key openpgp.Key) bool {
	if len(k.fingerprints) == 0 {
		return true
	}
	own := fingerprint(key.PublicKey.Fingerprint)
	primary := fingerprint(key.Entity.PrimaryKey.Fingerprint)
	for _, f := range k.fingerprints {
		// With "!" only that very key counts, otherwise also the subkeys of it.
		if exact, ok := strings.CutSuffix(f, "!"); ok && exact == own || f == own || f == primary {
			return true
		}
	}
	return false
}

// where names the places the keys come from.
func (k *Keyring) where() string {
	text := strings.Join(k.names, ", ")
	if len(k.fingerprints) > 0 {
		text += " (only " + strings.Join(k.fingerprints, ", ") + ")"
	}
	return text
}

func fingerprint(f []byte) string { return strings.ToUpper(hex.EncodeToString(f)) }
