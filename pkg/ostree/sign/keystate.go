package sign

import (
	"bytes"
	_ "crypto/sha1" // for self-signatures of old keys
	_ "crypto/sha256"
	_ "crypto/sha512"
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// keyState is what a primary key is worth by its own signatures. The rules are
// gpg's: the newest self-signature of a part counts, a revocation counts
// whatever its date, and nothing by others is looked at.
type keyState struct {
	valid   bool // one user ID at least is signed by the key, or the key itself
	revoked bool
	expires time.Time // zero: never
	canSign bool
	users   []userState // the primary one first
	subkeys []subkeyState
}

type userState struct {
	id      string
	valid   bool // signed by the key
	revoked bool
	created time.Time
	primary bool
}

type subkeyState struct {
	key     *packet.PublicKey
	valid   bool // bound to the key, and it to the key
	revoked bool
	expires time.Time
	canSign bool
}

// maxSelfSignatures bounds the work for one part of a key. Only signatures that
// name the key count, but who made them is known only after the work.
const maxSelfSignatures = 64

// state evaluates the certificate at a time, which matters for signatures that
// expire themselves.
func (c *certificate) state(now time.Time) keyState {
	var s keyState
	direct := c.selfSigs(c.direct, now, packet.SigTypeDirectSignature, func(sig *packet.Signature) error {
		return c.key.VerifyDirectKeySignature(sig)
	})
	s.revoked = len(c.selfSigs(c.direct, time.Time{}, packet.SigTypeKeyRevocation, func(sig *packet.Signature) error {
		return c.key.VerifyRevocationSignature(sig)
	})) > 0
	s.valid = len(direct) > 0

	certifications := c.userStates(&s, now)
	s.expires = c.expiry(direct, certifications)
	s.canSign = c.key.CanSign() && signFlag(newest(append(slices.Clone(direct), certifications...)))
	for _, subkey := range c.subkeys {
		s.subkeys = append(s.subkeys, c.subkeyState(subkey, now))
	}
	return s
}

// userStates fills in the user IDs and returns the newest self-signature of each
// that is not revoked.
func (c *certificate) userStates(s *keyState, now time.Time) []*packet.Signature {
	var current, revoked []*packet.Signature
	for _, user := range c.users {
		if user.raw.Tag != tagUserID {
			continue // there is no way to verify what an attribute says
		}
		u := userState{id: string(user.raw.Contents)}
		verify := func(sig *packet.Signature) error { return c.key.VerifyUserIdSignature(u.id, c.key, sig) }
		var sigs []*packet.Signature
		for kind := packet.SigTypeGenericCert; kind <= packet.SigTypePositiveCert; kind++ {
			sigs = append(sigs, c.selfSigs(user.sigs, now, kind, verify)...)
		}
		revocation := newest(c.selfSigs(user.sigs, time.Time{}, packet.SigTypeCertificationRevocation, verify))
		if sig := newest(sigs); sig != nil {
			u.valid, u.created = true, sig.CreationTime
			u.primary = sig.IsPrimaryId != nil && *sig.IsPrimaryId
			if revocation != nil && !revocation.CreationTime.Before(sig.CreationTime) {
				u.revoked = true
				revoked = append(revoked, sig)
			} else {
				current = append(current, sig)
			}
		}
		s.valid = s.valid || u.valid && !u.revoked
		s.users = append(s.users, u)
	}
	primaryFirst(s.users)
	if len(current) == 0 {
		return revoked
	}
	return current
}

// primaryFirst puts the user ID in front by which the key is called: among those
// that say that they are it, or else among all, the one signed last.
func primaryFirst(users []userState) {
	best := -1
	for i, u := range users {
		if u.valid && !u.revoked && (best < 0 || u.before(users[best])) {
			best = i
		}
	}
	if best > 0 {
		u := users[best]
		copy(users[1:best+1], users[:best])
		users[0] = u
	}
}

func (u userState) before(other userState) bool {
	if u.primary != other.primary {
		return u.primary
	}
	if !u.created.Equal(other.created) {
		return u.created.After(other.created)
	}
	return !u.primary && u.id > other.id
}

// expiry of the primary key: what the signature on the key itself says, else the
// newest on a user ID that says something.
func (c *certificate) expiry(direct, certifications []*packet.Signature) time.Time {
	if at := lifetime(c.key, newest(direct)); !at.IsZero() {
		return at
	}
	return lifetime(c.key, newest(slices.DeleteFunc(slices.Clone(certifications), func(sig *packet.Signature) bool {
		return lifetime(c.key, sig).IsZero()
	})))
}

func lifetime(key *packet.PublicKey, sig *packet.Signature) time.Time {
	if sig == nil || sig.KeyLifetimeSecs == nil || *sig.KeyLifetimeSecs == 0 {
		return time.Time{}
	}
	return key.CreationTime.Add(time.Duration(*sig.KeyLifetimeSecs) * time.Second)
}

// signFlag: a key that states no purpose has every purpose.
func signFlag(sig *packet.Signature) bool {
	return sig == nil || !sig.FlagsValid || sig.FlagSign
}

func (c *certificate) subkeyState(subkey *subkeyPacket, now time.Time) subkeyState {
	s := subkeyState{key: subkey.key}
	// For a subkey that signs this also checks that it agreed to belong here.
	binding := newest(c.selfSigs(subkey.sigs, now, packet.SigTypeSubkeyBinding, func(sig *packet.Signature) error {
		return c.key.VerifyKeySignature(subkey.key, sig)
	}))
	s.revoked = len(c.selfSigs(subkey.sigs, time.Time{}, packet.SigTypeSubkeyRevocation, func(sig *packet.Signature) error {
		return c.key.VerifySubkeyRevocationSignature(sig, subkey.key)
	})) > 0
	s.valid = binding != nil
	s.expires = lifetime(subkey.key, binding)
	// Without a stated purpose the agreement was not checked.
	s.canSign = s.valid && subkey.key.CanSign() && binding.FlagsValid && binding.FlagSign
	return s
}

// selfSigs returns the signatures of a kind that the key made, except those that
// had expired at a time, if it is given.
func (c *certificate) selfSigs(
	packets []*sigPacket, now time.Time, kind packet.SignatureType, verify func(*packet.Signature) error,
) []*packet.Signature {
	var sigs []*packet.Signature
	tried := 0
	for _, p := range slices.Backward(packets) { // later ones tend to be newer
		sig := p.parse()
		if sig == nil || sig.SigType != kind || !c.madeBy(sig) || !now.IsZero() && expired(sig, now) {
			continue
		}
		if tried++; tried > maxSelfSignatures {
			break
		}
		if verify(sig) == nil {
			sigs = append(sigs, sig)
		}
	}
	return sigs
}

func (c *certificate) madeBy(sig *packet.Signature) bool {
	if len(sig.IssuerFingerprint) > 0 {
		return bytes.Equal(sig.IssuerFingerprint, c.key.Fingerprint)
	}
	return sig.IssuerKeyId == nil || *sig.IssuerKeyId == c.key.KeyId
}

func expired(sig *packet.Signature, now time.Time) bool {
	at := signatureExpiry(sig)
	return !at.IsZero() && !now.Before(at)
}

func signatureExpiry(sig *packet.Signature) time.Time {
	if sig.SigLifetimeSecs == nil || *sig.SigLifetimeSecs == 0 {
		return time.Time{}
	}
	return sig.CreationTime.Add(time.Duration(*sig.SigLifetimeSecs) * time.Second)
}

// newest prefers the first of equally old ones.
func newest(sigs []*packet.Signature) *packet.Signature {
	var best *packet.Signature
	for _, sig := range sigs {
		if best == nil || sig.CreationTime.After(best.CreationTime) {
			best = sig
		}
	}
	return best
}
