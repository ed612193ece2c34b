package sign

import (
	"context"
)

type dummySigner struct{ key []byte }

// Engine implements Signer.
func (s *dummySigner) Engine() string { return Dummy }

// Sign implements Signer.
func (s *dummySigner) Sign(context.Context, []byte) ([]byte, error) { return s.key, nil }

type dummyVerifier struct {
	keys    [][]byte
	enabled bool
}

// Engine implements Verifier.
func (v *dummyVerifier) Engine() string { return Dummy }

// Verify implements Verifier.
func (v *dummyVerifier) Verify(_ context.Context, _ []byte, signatures [][]byte) (Result, error) {
	if len(signatures) == 0 {
		return Result{}, &NoSignatureError{Engine: Dummy}
	}
	if !v.enabled {
		return Result{}, &DisabledError{Engine: Dummy}
	}
	invalid := &InvalidError{Engine: Dummy, Signatures: len(signatures)}
	for _, key := range v.keys {
		for _, signature := range signatures {
			if string(signature) == string(key) {
				return Result{Engine: Dummy, Key: string(key)}, nil
			}
		}
		invalid.Keys = append(invalid.Keys, string(key))
	}
	return Result{}, invalid
}
