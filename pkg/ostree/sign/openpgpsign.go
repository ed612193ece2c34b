package sign

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// OpenPGPSignerOptions say how to sign with an exported secret key.
type OpenPGPSignerOptions struct {
	// KeyID chooses among several keys, as for [Keyring.Import]. Empty means that
	// there is only one.
	KeyID string
	// Passphrase unlocks the secret key, if it is locked.
	Passphrase []byte
	// Clock gives the time of the signatures. Nil means time.Now.
	Clock func() time.Time
}

type openPGPSigner struct {
	key   *packet.PrivateKey
	clock func() time.Time
}

// NewOpenPGPSigner returns a signer for a secret key that was exported with
// "gpg --export-secret-keys", binary or in ASCII armour. It needs no program.
// Like gpg it takes the newest subkey that is for signing, or else the primary
// key. To use an agent or a smart card see [GPGSigner].
func NewOpenPGPSigner(secretKeys []byte, opts OpenPGPSignerOptions) (Signer, error) {
	k := &Keyring{Clock: opts.Clock}
	if err := k.Add(secretKeys); err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	cert, err := k.choose(opts.KeyID)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	secrets, err := readSecrets(secretKeys)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	key, err := signingKey(cert, secrets, k.now())
	if err != nil {
		return nil, fmt.Errorf("secret key %s: %w", cert.fingerprint(), err)
	}
	if key.Encrypted {
		if err := key.Decrypt(opts.Passphrase); err != nil {
			return nil, fmt.Errorf("secret key %s: wrong passphrase: %w", cert.fingerprint(), err)
		}
	}
	return &openPGPSigner{key: key, clock: k.now}, nil
}

func (k *Keyring) choose(id string) (*certificate, error) {
	switch {
	case id != "":
		return k.find(id)
	case len(k.certs) == 1:
		return k.certs[0], nil
	default:
		return nil, fmt.Errorf("%d keys where one belongs", len(k.certs))
	}
}

// readSecrets returns the secret parts by fingerprint.
func readSecrets(data []byte) (map[string]*packet.PrivateKey, error) {
	blocks, err := dearmor(data)
	if err != nil {
		return nil, err
	}
	secrets := map[string]*packet.PrivateKey{}
	for _, block := range blocks {
		packets := packet.NewOpaqueReader(bytes.NewReader(block))
		for {
			p, err := packets.Next()
			if err != nil {
				break // the end, since the same bytes were read before
			}
			if p.Tag != tagSecretKey && p.Tag != tagSecretSubkey {
				continue
			}
			// A key whose secret part is elsewhere, as on a smart card, is a dummy.
			if parsed, err := p.Parse(); err == nil {
				if key, ok := parsed.(*packet.PrivateKey); ok && !key.Dummy() {
					secrets[fingerprint(&key.PublicKey)] = key
				}
			}
		}
	}
	return secrets, nil
}

func signingKey(cert *certificate, secrets map[string]*packet.PrivateKey, now time.Time) (*packet.PrivateKey, error) {
	state := cert.state(now)
	if !state.valid || state.revoked || past(state.expires, now) {
		return nil, errors.New("it is revoked, expired or without a signature of itself")
	}
	var best *packet.PrivateKey
	for _, s := range state.subkeys {
		key := secrets[fingerprint(s.key)]
		if key == nil || !s.canSign || s.revoked || past(s.expires, now) {
			continue
		}
		if best == nil || key.CreationTime.After(best.CreationTime) {
			best = key
		}
	}
	if best == nil && state.canSign {
		best = secrets[cert.fingerprint()]
	}
	if best == nil {
		return nil, errors.New("it has no secret part that is for signing")
	}
	return best, nil
}

// Engine implements Signer.
func (s *openPGPSigner) Engine() string { return GPG }

// Sign implements Signer.
func (s *openPGPSigner) Sign(_ context.Context, data []byte) ([]byte, error) {
	config := &packet.Config{Time: s.clock, NonDeterministicSignaturesViaNotation: new(false)}
	sig := &packet.Signature{
		Version: s.key.Version, SigType: packet.SigTypeBinary, PubKeyAlgo: s.key.PubKeyAlgo, Hash: crypto.SHA512,
		CreationTime: s.clock(), IssuerKeyId: &s.key.KeyId, IssuerFingerprint: s.key.Fingerprint,
	}
	h, err := sig.PrepareSign(config)
	if err != nil {
		return nil, err
	}
	h.Write(data)
	if err := sig.Sign(h, s.key, config); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = sig.Serialize(&b)
	return b.Bytes(), err
}
