package sign

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
)

func checkEd25519Public(key []byte) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("it has %d bytes, not %d", len(key), ed25519.PublicKeySize)
	}
	return nil
}

// checkEd25519Secret wants the seed followed by the public key that belongs to
// it. A public key that does not would make signatures which tell the seed to
// whoever has two of them.
func checkEd25519Secret(key []byte) error {
	if len(key) != ed25519.PrivateKeySize {
		return fmt.Errorf("it has %d bytes, not %d", len(key), ed25519.PrivateKeySize)
	}
	if !bytes.Equal(ed25519.NewKeyFromSeed(key[:ed25519.SeedSize]), key) {
		return errors.New("its second half is not the public key of the first")
	}
	return nil
}

func newEd25519Verifier(keys Keys) (Verifier, error) {
	v := &plainVerifier{engine: Ed25519}
	for _, key := range keys.usable() {
		if err := checkEd25519Public(key); err != nil {
			return nil, &KeyError{Engine: Ed25519, Err: err}
		}
		v.add(key, func(data, signature []byte) bool {
			return len(signature) == ed25519.SignatureSize && ed25519.Verify(key, data, signature)
		})
	}
	return v, nil
}

type ed25519Signer struct{ key ed25519.PrivateKey }

func newEd25519Signer(key []byte) (Signer, error) {
	if err := checkEd25519Secret(key); err != nil {
		return nil, &KeyError{Engine: Ed25519, Secret: true, Err: err}
	}
	return &ed25519Signer{key: key}, nil
}

// Engine implements Signer.
func (s *ed25519Signer) Engine() string { return Ed25519 }

// Sign implements Signer.
func (s *ed25519Signer) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(s.key, data), nil
}
