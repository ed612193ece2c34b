package sign

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Engine implements Verifier.
func (k *Keyring) Engine() string { return GPG }

// Verify implements Verifier.
func (k *Keyring) Verify(ctx context.Context, data []byte, signatures [][]byte) (Result, error) {
	if len(signatures) == 0 {
		return Result{}, &NoSignatureError{Engine: GPG}
	}
	found, err := k.Check(ctx, data, signatures)
	if err != nil {
		return Result{}, err
	}
	if i := slices.IndexFunc(found, Signature.Valid); i >= 0 {
		return Result{Engine: GPG, Key: found[i].Fingerprint, OpenPGP: found}, nil
	}
	if len(found) == 0 {
		return Result{}, &NoSignatureError{Engine: GPG}
	}
	return Result{}, &InvalidError{Engine: GPG, Signatures: len(found), OpenPGP: found}
}

// Check looks at every signature in a list, whether it is valid or not. Entries
// that are no OpenPGP signatures give none. An error comes from ctx alone.
func (k *Keyring) Check(ctx context.Context, data []byte, signatures [][]byte) ([]Signature, error) {
	c := checker{keyring: k, data: data, now: k.now(), states: map[*certificate]keyState{}}
	for i, blob := range signatures {
		for _, sig := range readSignatures(blob) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if len(c.found) == maxSignatures {
				return c.found, nil
			}
			s := c.check(sig)
			s.Blob, s.Checked = i, c.now
			c.found = append(c.found, s)
		}
	}
	return c.found, nil
}

// readSignatures returns the signature packets of a blob, armoured or not, up to
// the first thing that is damaged.
func readSignatures(blob []byte) []*packet.OpaquePacket {
	blocks, err := dearmor(blob)
	if err != nil {
		return nil
	}
	var sigs []*packet.OpaquePacket
	for _, block := range blocks {
		packets := packet.NewOpaqueReader(bytes.NewReader(block))
		for {
			p, err := packets.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					return sigs
				}
				break
			}
			if p.Tag == tagSignature {
				sigs = append(sigs, p)
			}
		}
	}
	return sigs
}

type checker struct {
	keyring *Keyring
	data    []byte
	now     time.Time
	states  map[*certificate]keyState
	found   []Signature
}

func (c *checker) check(raw *packet.OpaquePacket) Signature {
	sig := (&sigPacket{raw: raw}).parse()
	if sig == nil {
		return Signature{Algorithm: "unknown", Err: errors.New("a kind of signature that is not understood")}
	}
	s := Signature{
		Fingerprint: issuer(sig), Algorithm: algorithmName(sig.PubKeyAlgo), Hash: hashName(sig.Hash),
		Created: sig.CreationTime, Expires: signatureExpiry(sig), Missing: true,
	}
	for _, cert := range c.keyring.certs {
		key := cert.signer(sig)
		if key == nil {
			continue
		}
		c.judge(&s, sig, cert, key)
		if s.Valid() {
			break
		}
	}
	return s
}

func issuer(sig *packet.Signature) string {
	if len(sig.IssuerFingerprint) > 0 {
		return fmt.Sprintf("%X", sig.IssuerFingerprint)
	}
	if sig.IssuerKeyId != nil {
		return fmt.Sprintf("%016X", *sig.IssuerKeyId)
	}
	return "unknown"
}

// signer returns the key or subkey that a signature says it is by.
func (c *certificate) signer(sig *packet.Signature) *packet.PublicKey {
	if sig.IssuerKeyId == nil && len(sig.IssuerFingerprint) == 0 {
		return nil
	}
	if sig.CheckKeyIdOrFingerprint(c.key) {
		return c.key
	}
	for _, subkey := range c.subkeys {
		if sig.CheckKeyIdOrFingerprint(subkey.key) {
			return subkey.key
		}
	}
	return nil
}

// judge fills in what the key says about a signature.
func (c *checker) judge(s *Signature, sig *packet.Signature, cert *certificate, key *packet.PublicKey) {
	state, ok := c.states[cert]
	if !ok {
		state = cert.state(c.now)
		c.states[cert] = state
	}
	*s = Signature{
		Fingerprint: fingerprint(key), Primary: cert.fingerprint(), Algorithm: s.Algorithm, Hash: s.Hash,
		Created: s.Created, Expires: s.Expires, PrimaryExpires: state.expires,
	}
	if len(state.users) > 0 {
		_, s.UserName, _, s.UserEmail = splitUserID(state.users[0].id)
	}
	own := subkeyState{
		key: key, valid: state.valid, revoked: state.revoked, expires: state.expires, canSign: state.canSign,
	}
	if key != cert.key {
		own = state.subkeys[slices.IndexFunc(state.subkeys, func(sub subkeyState) bool { return sub.key == key })]
	}
	s.KeyExpires = own.expires
	if s.Err = c.verify(sig, key); s.Err != nil {
		return
	}
	s.KeyRevoked = state.revoked || own.revoked
	s.KeyExpired = past(state.expires, c.now) || past(own.expires, c.now)
	s.Expired = expired(sig, c.now)
	s.Err = c.acceptable(sig, key, own.valid && state.valid, own.canSign)
}

func past(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// verify is the cryptographic part.
func (c *checker) verify(sig *packet.Signature, key *packet.PublicKey) error {
	if sig.SigType != packet.SigTypeBinary {
		return fmt.Errorf("it is of type 0x%02x, not one of data", byte(sig.SigType))
	}
	h, err := sig.PrepareVerify()
	if err != nil {
		return err
	}
	h.Write(c.data)
	if err := key.VerifySignature(h, sig); err != nil {
		return errors.New("it does not fit the data")
	}
	return nil
}

// acceptable is the part about policy.
func (c *checker) acceptable(sig *packet.Signature, key *packet.PublicKey, bound, canSign bool) error {
	switch {
	case !bound:
		return errors.New("the key has no valid signature of itself")
	case !canSign:
		return errors.New("the key is not meant for signing")
	case sig.CreationTime.Before(key.CreationTime):
		return errors.New("it is older than the key")
	case key.CreationTime.After(c.now):
		return errors.New("the key is from the future")
	case sig.Hash == crypto.SHA1 && !c.keyring.AllowSHA1:
		return errors.New("it uses SHA-1, which can be forged")
	case slices.ContainsFunc(sig.Notations, func(n *packet.Notation) bool { return n.IsCritical }):
		return errors.New("it has a critical notation that is not understood")
	default:
		return nil
	}
}

// algorithmName uses the names of GPGME.
func algorithmName(a packet.PublicKeyAlgorithm) string {
	switch a {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly:
		return "RSA"
	case packet.PubKeyAlgoDSA:
		return "DSA"
	case packet.PubKeyAlgoECDSA:
		return "ECDSA"
	case packet.PubKeyAlgoEdDSA, packet.PubKeyAlgoEd25519, packet.PubKeyAlgoEd448:
		return "EdDSA"
	default:
		return "[unknown name]"
	}
}

func hashName(h crypto.Hash) string {
	switch h {
	case crypto.SHA1:
		return "SHA1"
	case crypto.SHA224:
		return "SHA224"
	case crypto.SHA256:
		return "SHA256"
	case crypto.SHA384:
		return "SHA384"
	case crypto.SHA512:
		return "SHA512"
	default:
		return h.String()
	}
}

// Issuers returns the keys that OpenPGP signatures say they are by: fingerprints
// in capitals, or key IDs where a signature has no more.
func Issuers(signature []byte) []string {
	var keys []string
	for _, raw := range readSignatures(signature) {
		if sig := (&sigPacket{raw: raw}).parse(); sig != nil {
			keys = append(keys, issuer(sig))
		}
	}
	return keys
}

// MadeBy returns a function that says whether an OpenPGP signature was made by
// one of the keys, or a subkey of it, that ids name as for [Keyring.Import].
// Key IDs and fingerprints need not be in the keyring, unless a signature names
// a subkey and the id does not.
func (k *Keyring) MadeBy(ids []string) func(signature []byte) bool {
	var names []string
	for _, id := range ids {
		if hex, ok := hexID(id); ok {
			names = append(names, hex)
		}
		if c, err := k.find(id); err == nil {
			names = append(names, c.fingerprint())
			for _, subkey := range c.subkeys {
				names = append(names, fingerprint(subkey.key))
			}
		}
	}
	return func(signature []byte) bool {
		return slices.ContainsFunc(Issuers(signature), func(issuer string) bool {
			return slices.ContainsFunc(names, func(name string) bool {
				return strings.HasSuffix(issuer, name) || strings.HasSuffix(name, issuer)
			})
		})
	}
}
