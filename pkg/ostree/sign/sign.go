package sign

import (
	"context"
	"fmt"
	"strings"
)

// The engines.
const (
	GPG     = "gpg"
	Ed25519 = "ed25519"
	SPKI    = "spki"
	Dummy   = "dummy"
)

// Engines returns the engines that sign-verify=true in the configuration of a
// remote means: all but [GPG], which has a key of its own.
func Engines() []string { return []string{Ed25519, SPKI, Dummy} }

// MetadataKey returns the key under which the signatures of an engine stand in
// detached metadata, in summary.sig and in signed deltas. Its value is an "aay".
func MetadataKey(engine string) string {
	if engine == GPG {
		return "ostree.gpgsigs"
	}
	return "ostree.sign." + engine
}

// A Signer makes signatures with one secret key.
type Signer interface {
	// Engine returns the name of the engine, such as [Ed25519].
	Engine() string
	// Sign returns a detached signature of data.
	Sign(ctx context.Context, data []byte) ([]byte, error)
}

// A Verifier checks signatures of one engine against keys that it was given.
type Verifier interface {
	// Engine returns the name of the engine, such as [Ed25519].
	Engine() string
	// Verify succeeds if at least one of the signatures is one of data by a key
	// that is trusted and neither expired nor revoked. It fails with a
	// [*NoSignatureError] if there are none, with a [*NoKeysError] if nothing is
	// trusted at all, and with an [*InvalidError] if none is valid.
	Verify(ctx context.Context, data []byte, signatures [][]byte) (Result, error)
}

// A Result says what made data valid.
type Result struct {
	Engine string
	// Key is the key that signed: its bytes in hexadecimal, or the text of a
	// dummy key, or the fingerprint of an OpenPGP key.
	Key string
	// OpenPGP are all signatures that were looked at, valid or not, in their
	// order. Only [GPG] fills it.
	OpenPGP []Signature
}

// String returns the result in the words of the ostree tool. For OpenPGP they
// are several lines, with times in UTC.
func (r Result) String() string {
	switch r.Engine {
	case GPG:
		var b strings.Builder
		for _, s := range r.OpenPGP {
			b.WriteString(s.Describe("", nil))
		}
		return strings.TrimSuffix(b.String(), "\n")
	case Dummy:
		return "dummy: Signature verified"
	default:
		return fmt.Sprintf("%s: Signature verified successfully with key '%s'", r.Engine, r.Key)
	}
}

// Options allow what is not allowed otherwise.
type Options struct {
	// Dummy lets the engine [Dummy] work, which is for tests alone.
	Dummy bool
}

// NewVerifier returns a verifier for an engine that has plain keys, which is
// all of them but [GPG]. Keys that are also revoked do not count.
func NewVerifier(engine string, keys Keys, opts Options) (Verifier, error) {
	switch engine {
	case Ed25519:
		return newEd25519Verifier(keys)
	case SPKI:
		return newSPKIVerifier(keys)
	case Dummy:
		return &dummyVerifier{keys: keys.usable(), enabled: opts.Dummy}, nil
	default:
		return nil, &UnknownEngineError{Engine: engine}
	}
}

// NewSigner returns a signer for a secret key as it is written on a command
// line: base64 of the 32 bytes of the seed and the 32 of the public key for
// [Ed25519]; base64 of a DER private key, or a PEM block, for [SPKI]; any text
// for [Dummy].
func NewSigner(engine, secret string, opts Options) (Signer, error) {
	key, err := decodeKey(engine, secretKey, secret)
	if err != nil {
		return nil, err
	}
	return newSigner(engine, key, opts)
}

func newSigner(engine string, key []byte, opts Options) (Signer, error) {
	switch engine {
	case Ed25519:
		return newEd25519Signer(key)
	case SPKI:
		return newSPKISigner(key)
	case Dummy:
		if !opts.Dummy {
			return nil, &DisabledError{Engine: engine}
		}
		return &dummySigner{key: key}, nil
	default:
		return nil, &UnknownEngineError{Engine: engine}
	}
}
