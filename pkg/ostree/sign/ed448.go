package sign

import (
	"bytes"
	"crypto"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/ProtonMail/go-crypto/openpgp/ed448"
)

// Ed448 in X.509 is what RFC 8410 says; the standard library has only its
// smaller sister.

func isEd448(algorithm pkix.AlgorithmIdentifier) bool {
	return algorithm.Algorithm.Equal(asn1.ObjectIdentifier{1, 3, 101, 113}) && len(algorithm.Parameters.FullBytes) == 0
}

// ed448Public is the point of a public key.
type ed448Public []byte

// parseEd448Public returns nil for other SubjectPublicKeyInfos.
func parseEd448Public(der []byte) (ed448Public, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	rest, err := asn1.Unmarshal(der, &info)
	if err != nil || !isEd448(info.Algorithm) {
		return nil, nil //nolint:nilerr // whoever reads the other kinds says what is wrong
	}
	if len(rest) > 0 || info.Key.BitLength != 8*ed448.PublicKeySize {
		return nil, fmt.Errorf("an Ed448 key of %d bits", info.Key.BitLength)
	}
	return info.Key.Bytes, nil
}

// Equal is as for the keys of the standard library.
func (p ed448Public) Equal(other crypto.PublicKey) bool {
	o, ok := other.(ed448Public)
	return ok && bytes.Equal(p, o)
}

func (p ed448Public) verify(data, signature []byte) bool {
	return len(signature) == ed448.SignatureSize && ed448.Verify(&ed448.PublicKey{Point: p}, data, signature)
}

// parseEd448Secret returns nil for other PKCS #8 keys.
func parseEd448Secret(der []byte) (*ed448.PrivateKey, error) {
	var info struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil || !isEd448(info.Algorithm) {
		return nil, nil //nolint:nilerr // as above
	}
	var seed []byte
	if rest, err := asn1.Unmarshal(info.Key, &seed); err != nil || len(rest) > 0 || len(seed) != ed448.SeedSize {
		return nil, errors.New("an Ed448 key without its 57 bytes")
	}
	key := &ed448.PrivateKey{}
	if err := key.UnmarshalByteSecret(seed); err != nil {
		return nil, err
	}
	return key, nil
}
