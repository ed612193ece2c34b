package archive

import (
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// StableUntil returns when a verdict by the keys could become another one without any file having changed:
// the next time after now that one of the keys, or what they say of themselves, expires. Zero means never.
func (k *Keyring) StableUntil(now time.Time) time.Time {
	var next time.Time
	consider := func(from time.Time, seconds *uint32) {
		if seconds == nil || *seconds == 0 {
			return
		}
		if at := from.Add(time.Duration(*seconds) * time.Second); at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, e := range k.keys {
		self := func(key *packet.PublicKey, list ...*packet.Signature) {
			for _, s := range list {
				if s != nil {
					consider(key.CreationTime, s.KeyLifetimeSecs)
					consider(s.CreationTime, s.SigLifetimeSecs)
				}
			}
		}
		self(e.PrimaryKey, slices.Concat(e.Signatures, e.Revocations, []*packet.Signature{e.SelfSignature})...)
		for _, i := range e.Identities {
			self(e.PrimaryKey, slices.Concat(i.Signatures, i.Revocations, []*packet.Signature{i.SelfSignature})...)
		}
		for _, s := range e.Subkeys {
			self(s.PublicKey, slices.Concat(s.Revocations, []*packet.Signature{s.Sig})...)
		}
	}
	return next
}

// SignaturesExpire reports whether one of the signatures of a clear-signed file, or of a detached file of
// signatures, says itself how long it is valid. What cannot be read counts as one that does.
func SignaturesExpire(inline, detached []byte) bool {
	var blocks []string
	if inline != nil {
		message, err := splitClearSigned(inline)
		if err != nil {
			return true
		}
		blocks = message.signatures
	} else {
		var err error
		if blocks, err = splitSignatures(detached); err != nil {
			return true
		}
	}
	var v verifier
	for _, block := range blocks {
		if v.addArmored(block) != nil {
			return true
		}
	}
	for _, s := range v.signatures {
		if s.SigLifetimeSecs != nil && *s.SigLifetimeSecs != 0 {
			return true
		}
	}
	return false
}
