package archive

import (
	"bytes"
	"crypto"
	_ "crypto/sha256" // the hashes that signatures may use
	_ "crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

const (
	minRSABits    = 2048
	maxSignatures = 32 // Debian has three

	unsignedRemedy = "ask its owner to sign it, or, if you trust whoever can change it on its way, set \"Trusted: yes\" for the source"
)

// VerifyInline verifies a clear-signed file, such as InRelease, and returns the text that was
// signed. At least one signature must be good: made by a usable key of the keyring over SHA-256 or
// better. None by a key of the keyring may be bad. Signatures by unknown keys do not matter; Debian
// signs with several. now decides what has expired. The error is an [*UntrustedError].
func (k *Keyring) VerifyInline(data []byte, now time.Time) ([]byte, error) {
	message, err := splitClearSigned(data)
	if err != nil {
		return nil, err
	}
	var v verifier
	for _, block := range message.signatures {
		if err := v.addArmored(block); err != nil {
			return nil, err
		}
	}
	// The newline before the signature does not belong to the text.
	signed := strings.TrimSuffix(message.body, "\n")
	if err := v.verify(k, []byte(signed), packet.SigTypeText, now); err != nil {
		return nil, err
	}
	return []byte(message.body), nil
}

// VerifyDetached verifies a file by the signatures of another, such as Release by Release.gpg, with
// the rules of [Keyring.VerifyInline].
func (k *Keyring) VerifyDetached(data, signature []byte, now time.Time) error {
	blocks, err := splitSignatures(signature)
	if err != nil {
		return err
	}
	var v verifier
	for _, block := range blocks {
		if err := v.addArmored(block); err != nil {
			return err
		}
	}
	if blocks == nil {
		if err := v.add(bytes.NewReader(signature)); err != nil {
			return err
		}
	}
	return v.verify(k, data, packet.SigTypeBinary, now)
}

// StripSignature returns the text of a clear-signed file without looking at its signatures, for
// sources that the user trusts as they are.
func StripSignature(data []byte) ([]byte, error) {
	message, err := splitClearSigned(data)
	if err != nil {
		return nil, err
	}
	return []byte(message.body), nil
}

// verifier holds the signatures of one file.
type verifier struct {
	signatures []*packet.Signature
	any        bool // there was something, readable or not
}

func (v *verifier) addArmored(block string) error {
	decoded, err := armor.Decode(strings.NewReader(block))
	if err != nil || decoded.Type != openpgp.SignatureType {
		return malformed("a signature is not readable")
	}
	v.any = true
	return v.add(decoded.Body)
}

func (v *verifier) add(r io.Reader) error {
	packets := packet.NewReader(r)
	for {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return malformed("a signature is not readable: " + err.Error())
		}
		signature, ok := p.(*packet.Signature)
		if !ok {
			return malformed("there is something other than a signature among the signatures")
		}
		if len(v.signatures) == maxSignatures {
			return malformed(fmt.Sprintf("it has more than %d signatures", maxSignatures))
		}
		v.signatures = append(v.signatures, signature)
	}
}

// verify applies the policy to all signatures. kind is the type they must have.
func (v *verifier) verify(k *Keyring, data []byte, kind packet.SignatureType, now time.Time) error {
	if len(v.signatures) == 0 && v.any {
		// The library passes over what it does not know.
		return &UntrustedError{
			Reason: UnusableKey, Detail: "its signatures are of a kind that is not accepted", Remedy: "ask its owner to sign it with SHA-256 or better",
		}
	}
	if len(v.signatures) == 0 {
		return &UntrustedError{Reason: Unsigned, Detail: "it is not signed", Remedy: unsignedRemedy}
	}
	good := false
	var unusable, unknown []string
	for _, s := range v.signatures {
		key, state := k.check(s, data, kind)
		switch state {
		case stateUnknown:
			unknown = append(unknown, issuer(s))
		case stateBad:
			return &UntrustedError{
				Reason: BadSignature, Detail: "the signature of key " + issuer(s) + " does not fit the text",
				Remedy: "the file was damaged or tampered with: try again later or use another mirror",
			}
		case stateGood:
			if problem := weakness(s, key, now); problem != "" {
				unusable = append(unusable, problem)
				continue
			}
			good = true
		}
	}
	switch {
	case good:
		return nil
	case len(unusable) > 0:
		return &UntrustedError{
			Reason: UnusableKey, Detail: strings.Join(unusable, ", and "),
			Remedy: "update the keyring " + k.where() + ", and check the clock",
		}
	default:
		return &UntrustedError{
			Reason: UnknownKey, Detail: "it is signed by " + strings.Join(unknown, ", ") + ", and no such key is in " + k.where(),
			Remedy: "if you trust that key, add it there or name its keyring in Signed-By",
		}
	}
}

type state int

const (
	stateUnknown state = iota // no key for it
	stateBad                  // a key, but it does not fit
	stateGood                 // made by that key; whether that is worth anything is another matter
)

func (k *Keyring) check(s *packet.Signature, data []byte, kind packet.SignatureType) (openpgp.Key, state) {
	if s.IssuerKeyId == nil {
		return openpgp.Key{}, stateUnknown
	}
	result := stateUnknown
	for _, key := range k.keys.KeysById(*s.IssuerKeyId) {
		if len(s.IssuerFingerprint) > 0 && !bytes.Equal(s.IssuerFingerprint, key.PublicKey.Fingerprint) || !k.allows(key) {
			continue
		}
		if s.SigType != kind {
			result = stateBad
			continue
		}
		h, err := s.PrepareVerify()
		if err != nil {
			// A hash that is not compiled in is one that is not acceptable.
			return key, stateGood
		}
		writeSigned(h, s.SigType, data)
		if key.PublicKey.VerifySignature(h, s) == nil {
			return key, stateGood
		}
		result = stateBad
	}
	return openpgp.Key{}, result
}

func writeSigned(h hash.Hash, kind packet.SignatureType, data []byte) {
	if kind == packet.SigTypeText {
		h = openpgp.NewCanonicalTextHash(h)
	}
	h.Write(data)
}

// weakness says why a signature that fits the text is worth nothing; "" if it is worth something.
func weakness(s *packet.Signature, key openpgp.Key, now time.Time) string {
	name := "key " + fingerprint(key.PublicKey.Fingerprint)
	if !slices.Contains([]crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}, s.Hash) {
		return fmt.Sprintf("the signature of %s uses the weak hash %s", name, s.Hash)
	}
	if problem := weakKey(key.PublicKey); problem != "" {
		return name + " " + problem
	}
	// One that lies ahead of the clock is no worse for it: the Date of the release is checked instead,
	// and a source may switch that off.
	if s.SigLifetimeSecs != nil && *s.SigLifetimeSecs != 0 && now.After(s.CreationTime.Add(time.Duration(*s.SigLifetimeSecs)*time.Second)) {
		return "the signature of " + name + " has expired"
	}
	primary, _ := key.Entity.PrimarySelfSignature()
	if primary == nil || key.SelfSignature == nil {
		return name + " has no valid self-signature"
	}
	if key.Entity.Revoked(now) || key.Revoked(now) {
		return name + " was revoked"
	}
	if key.Entity.PrimaryKey.KeyExpired(primary, now) || key.PublicKey.KeyExpired(key.SelfSignature, now) {
		return name + " has expired"
	}
	if s.CreationTime.Before(key.PublicKey.CreationTime) {
		return "the signature of " + name + " is older than the key"
	}
	// Old primary keys state no purpose. Subkeys must: only then did the library check that the subkey
	// agreed to belong to the key.
	stated := key.SelfSignature.FlagsValid || key.PublicKey != key.Entity.PrimaryKey
	if stated && !key.SelfSignature.FlagSign {
		return name + " is not meant for signing"
	}
	if slices.ContainsFunc(s.Notations, func(n *packet.Notation) bool { return n.IsCritical }) {
		return "the signature of " + name + " has a critical notation that is not understood"
	}
	return ""
}

// weakKey applies apt's APT::Key::Assert-Pubkey-Algo: RSA of 2048 bits or more, Ed25519, Ed448, and
// ECDSA over the curves of NIST and Brainpool.
func weakKey(key *packet.PublicKey) string {
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly:
		if bits, err := key.BitLength(); err != nil || bits < minRSABits {
			return fmt.Sprintf("is an RSA key of %d bits; %d are the least that is safe", bits, minRSABits)
		}
		return ""
	case packet.PubKeyAlgoEdDSA, packet.PubKeyAlgoEd25519, packet.PubKeyAlgoEd448:
		return ""
	case packet.PubKeyAlgoECDSA:
		switch curve, err := key.Curve(); {
		case err != nil:
			return "has an unknown curve"
		case slices.Contains([]packet.Curve{
			packet.CurveNistP256, packet.CurveNistP384, packet.CurveNistP521,
			packet.CurveBrainpoolP256, packet.CurveBrainpoolP384, packet.CurveBrainpoolP512,
		}, curve):
			return ""
		default:
			return fmt.Sprintf("has the curve %s, which is not accepted", curve)
		}
	default:
		return "is of a kind that is not accepted"
	}
}

// issuer names the key that a signature claims to be made by.
func issuer(s *packet.Signature) string {
	if len(s.IssuerFingerprint) > 0 {
		return fingerprint(s.IssuerFingerprint)
	}
	if s.IssuerKeyId != nil {
		return fmt.Sprintf("%016X", *s.IssuerKeyId)
	}
	return "an unnamed key"
}
