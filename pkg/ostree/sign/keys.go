package sign

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Keys are public keys of one engine, in its own form: 32 bytes for [Ed25519],
// a DER SubjectPublicKeyInfo for [SPKI], the text itself for [Dummy].
type Keys struct {
	Trusted [][]byte
	Revoked [][]byte // take precedence
}

// usable returns the trusted keys that are not revoked, each once.
func (k Keys) usable() [][]byte {
	equal := func(key []byte) func([]byte) bool {
		return func(other []byte) bool { return bytes.Equal(key, other) }
	}
	var keys [][]byte
	for _, key := range k.Trusted {
		if !slices.ContainsFunc(k.Revoked, equal(key)) && !slices.ContainsFunc(keys, equal(key)) {
			keys = append(keys, key)
		}
	}
	return keys
}

// ParsePublicKey decodes a public key as it is written on a command line or in
// the configuration of a remote: base64, or for [SPKI] also a PEM block.
func ParsePublicKey(engine, text string) ([]byte, error) {
	return decodeKey(engine, publicKey, text)
}

// Limits for what is read as keys. A file of a thousand RSA keys is below a
// megabyte.
const (
	maxKeyFile = 8 << 20
	maxKeySize = 64 << 10
)

type keyKind int

const (
	publicKey keyKind = iota
	secretKey
)

func decodeKey(engine string, kind keyKind, text string) ([]byte, error) {
	key, err := decodeKeyText(engine, kind, text)
	if err == nil {
		err = checkKey(engine, kind, key)
	}
	var unknown *UnknownEngineError
	if err != nil && !errors.As(err, &unknown) {
		err = &KeyError{Engine: engine, Secret: kind == secretKey, Err: err}
	}
	return key, err
}

func decodeKeyText(engine string, kind keyKind, text string) ([]byte, error) {
	switch {
	case engine == Dummy:
		return []byte(text), nil
	case engine == SPKI && strings.HasPrefix(strings.TrimSpace(text), "-----BEGIN "):
		keys, err := decodePEM(kind, []byte(text))
		if err != nil {
			return nil, err
		}
		if len(keys) != 1 {
			return nil, fmt.Errorf("%d PEM blocks where one belongs", len(keys))
		}
		return keys[0], nil
	case engine == SPKI || engine == Ed25519:
		return decodeBase64(text)
	default:
		return nil, &UnknownEngineError{Engine: engine}
	}
}

// decodeBase64 permits white space, which tools such as base64(1) put in.
func decodeBase64(text string) ([]byte, error) {
	text = strings.Join(strings.Fields(text), "")
	if len(text) > base64.StdEncoding.EncodedLen(maxKeySize) {
		return nil, fmt.Errorf("it is longer than %d bytes", maxKeySize)
	}
	// The error of the decoder would quote nothing of the key, but be precise
	// about an offset in text that the user never saw.
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("it is not base64")
	}
	return key, nil
}

func checkKey(engine string, kind keyKind, key []byte) error {
	switch {
	case engine == Ed25519 && kind == publicKey:
		return checkEd25519Public(key)
	case engine == Ed25519:
		return checkEd25519Secret(key)
	case engine == SPKI && kind == publicKey:
		_, err := parseSPKIPublic(key)
		return err
	case engine == SPKI:
		_, err := parseSPKISecret(key)
		return err
	default:
		return nil
	}
}

// ReadPublicKeys reads a file of public keys: one base64 key per line for
// [Ed25519], PEM blocks for [SPKI], one text per line for [Dummy]. Empty lines
// and lines that begin with "#" do not count. A file without keys gives none.
func ReadPublicKeys(engine string, r io.Reader) ([][]byte, error) {
	return readKeys(engine, publicKey, r)
}

// ReadSigners reads a file of secret keys, in the forms of [ReadPublicKeys],
// and returns a signer for each.
func ReadSigners(engine string, r io.Reader, opts Options) ([]Signer, error) {
	keys, err := readKeys(engine, secretKey, r)
	if err != nil {
		return nil, err
	}
	signers := make([]Signer, len(keys))
	for i, key := range keys {
		if signers[i], err = newSigner(engine, key, opts); err != nil {
			return nil, err
		}
	}
	return signers, nil
}

func readKeys(engine string, kind keyKind, r io.Reader) ([][]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxKeyFile {
		return nil, fmt.Errorf("key file is longer than %d bytes", maxKeyFile)
	}
	if engine == SPKI {
		return readPEMKeys(kind, data)
	}
	var keys [][]byte
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := decodeKey(engine, kind, line)
		if err != nil {
			return nil, atPlace(err, fmt.Sprintf("line %d", i+1))
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func readPEMKeys(kind keyKind, data []byte) ([][]byte, error) {
	keys, err := decodePEM(kind, data)
	if err != nil {
		return nil, &KeyError{Engine: SPKI, Secret: kind == secretKey, Err: err}
	}
	for i, key := range keys {
		if err := checkKey(SPKI, kind, key); err != nil {
			return nil, &KeyError{Engine: SPKI, Secret: kind == secretKey, Place: fmt.Sprintf("block %d", i+1), Err: err}
		}
	}
	return keys, nil
}

// decodePEM returns the contents of the blocks. Text around them is ignored,
// as everywhere, but a block that begins and does not end, or has another
// purpose, is an error: it was meant to be a key.
func decodePEM(kind keyKind, data []byte) ([][]byte, error) {
	var keys [][]byte
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		if !pemLabel(kind, block.Type) {
			return nil, fmt.Errorf("PEM block %q where %q belongs", block.Type, pemLabels(kind)[0])
		}
		keys, data = append(keys, block.Bytes), rest
	}
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		return nil, errors.New("a PEM block that is damaged or has no end")
	}
	return keys, nil
}

func pemLabel(kind keyKind, label string) bool { return slices.Contains(pemLabels(kind), label) }

// pemLabels has the label of the format first, then those of older ones.
func pemLabels(kind keyKind) []string {
	if kind == publicKey {
		return []string{"PUBLIC KEY"}
	}
	return []string{"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"}
}

// atPlace says where a bad key stands.
func atPlace(err error, place string) error {
	var bad *KeyError
	if !errors.As(err, &bad) {
		return fmt.Errorf("%s: %w", place, err)
	}
	if bad.Place != "" {
		place += ": " + bad.Place
	}
	return &KeyError{Engine: bad.Engine, Secret: bad.Secret, Place: place, Err: bad.Err}
}
