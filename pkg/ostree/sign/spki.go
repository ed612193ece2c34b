package sign

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/ProtonMail/go-crypto/openpgp/ed448"
)

// equalKey is what all public keys of the standard library have.
type equalKey interface{ Equal(x crypto.PublicKey) bool }

func newSPKIVerifier(keys Keys) (Verifier, error) {
	revoked, err := parseRevoked(keys.Revoked)
	if err != nil {
		return nil, err
	}
	v := &plainVerifier{engine: SPKI}
	for _, key := range keys.usable() {
		public, err := parseSPKIPublic(key)
		if err != nil {
			return nil, &KeyError{Engine: SPKI, Err: err}
		}
		if !isRevoked(public, revoked) {
			v.add(key, spkiCheck(public))
		}
	}
	return v, nil
}

// parseRevoked exists because a key has more than one encoding: RSA keys with
// and without parameters, for one.
func parseRevoked(keys [][]byte) ([]crypto.PublicKey, error) {
	revoked := make([]crypto.PublicKey, len(keys))
	for i, key := range keys {
		public, err := parseSPKIPublic(key)
		if err != nil {
			return nil, &KeyError{Engine: SPKI, Place: "revoked key", Err: err}
		}
		revoked[i] = public
	}
	return revoked, nil
}

func isRevoked(key crypto.PublicKey, revoked []crypto.PublicKey) bool {
	k, ok := key.(equalKey)
	for _, other := range revoked {
		if ok && k.Equal(other) {
			return true
		}
	}
	return false
}

func parseSPKIPublic(der []byte) (crypto.PublicKey, error) {
	if len(der) > maxKeySize {
		return nil, fmt.Errorf("it is longer than %d bytes", maxKeySize)
	}
	if key, err := parseEd448Public(der); key != nil || err != nil {
		return key, err
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	if spkiCheck(key) == nil {
		return nil, fmt.Errorf("a %T cannot sign", key)
	}
	return key, nil
}

// spkiCheck uses what openssl takes by default for a kind of key: SHA-256,
// and PKCS #1 version 1.5 with RSA. It is nil for kinds that cannot sign.
func spkiCheck(key crypto.PublicKey) check {
	switch key := key.(type) {
	case ed25519.PublicKey:
		return func(data, signature []byte) bool { return ed25519.Verify(key, data, signature) }
	case ed448Public:
		return key.verify
	case *ecdsa.PublicKey:
		return func(data, signature []byte) bool {
			sum := sha256.Sum256(data)
			return ecdsa.VerifyASN1(key, sum[:], signature)
		}
	case *rsa.PublicKey:
		return func(data, signature []byte) bool {
			sum := sha256.Sum256(data)
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
		}
	default:
		return nil
	}
}

// spkiSigner is the function that signs with a key.
type spkiSigner func(data []byte) ([]byte, error)

func newSPKISigner(der []byte) (Signer, error) {
	s, err := parseSPKISecret(der)
	if err != nil {
		return nil, &KeyError{Engine: SPKI, Secret: true, Err: err}
	}
	return s, nil
}

// parseSPKISecret reads PKCS #8, and the older forms that openssl reads too.
func parseSPKISecret(der []byte) (spkiSigner, error) {
	if len(der) > maxKeySize {
		return nil, fmt.Errorf("it is longer than %d bytes", maxKeySize)
	}
	if key, err := parseEd448Secret(der); key != nil || err != nil {
		return func(data []byte) ([]byte, error) { return ed448.Sign(key, data) }, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		var old error
		if key, old = parseOldSecret(der); old != nil {
			return nil, err
		}
	}
	signer, ok := key.(crypto.Signer)
	if !ok || spkiCheck(signer.Public()) == nil {
		return nil, fmt.Errorf("a %T cannot sign", key)
	}
	return func(data []byte) ([]byte, error) { return signSPKI(signer, data) }, nil
}

func parseOldSecret(der []byte) (any, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	return nil, errors.New("neither PKCS #1 nor SEC 1")
}

// Engine implements Signer.
func (s spkiSigner) Engine() string { return SPKI }

// Sign implements Signer.
func (s spkiSigner) Sign(_ context.Context, data []byte) ([]byte, error) { return s(data) }

func signSPKI(key crypto.Signer, data []byte) ([]byte, error) {
	if _, ok := key.(ed25519.PrivateKey); ok {
		return key.Sign(nil, data, crypto.Hash(0))
	}
	sum := sha256.Sum256(data)
	return key.Sign(rand.Reader, sum[:], crypto.SHA256)
}
