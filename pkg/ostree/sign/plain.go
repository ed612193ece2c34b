package sign

import (
	"context"
	"encoding/hex"
)

// maxSignatures bounds the work that somebody else's list of signatures can
// cause. Nobody signs a commit with that many keys.
const maxSignatures = 1024

// A check decides whether one signature of data was made by one key.
type check func(data, signature []byte) bool

// plainVerifier is a verifier for engines whose signatures do not tell which
// key made them: all keys are tried.
type plainVerifier struct {
	engine string
	keys   []string // in hexadecimal
	checks []check
}

func (v *plainVerifier) add(key []byte, f check) {
	v.keys = append(v.keys, hex.EncodeToString(key))
	v.checks = append(v.checks, f)
}

// Engine implements Verifier.
func (v *plainVerifier) Engine() string { return v.engine }

// Verify implements Verifier.
func (v *plainVerifier) Verify(ctx context.Context, data []byte, signatures [][]byte) (Result, error) {
	if len(signatures) == 0 {
		return Result{}, &NoSignatureError{Engine: v.engine}
	}
	if len(v.keys) == 0 {
		return Result{}, &NoKeysError{Engine: v.engine}
	}
	for _, signature := range signatures[:min(len(signatures), maxSignatures)] {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		for i, ok := range v.checks {
			if ok(data, signature) {
				return Result{Engine: v.engine, Key: v.keys[i]}, nil
			}
		}
	}
	return Result{}, &InvalidError{Engine: v.engine, Signatures: len(signatures), Keys: v.keys}
}
