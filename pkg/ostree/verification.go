package ostree

import (
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// A Verification is what somebody asks of the signatures of a commit, of a
// summary or of a static delta. The zero value and nil ask for nothing.
type Verification struct {
	// All are verifiers of which each must accept a signature. A [sign.Keyring]
	// is one.
	All []sign.Verifier
	// Any are verifiers of which at least one must accept a signature. Empty
	// means that none is asked for.
	Any []sign.Verifier
}

// Needed says whether anything is asked for.
func (v *Verification) Needed() bool { return v != nil && (len(v.All) > 0 || len(v.Any) > 0) }

// Verify checks signatures of data, which stand in a dictionary such as the
// detached metadata of a commit or the contents of summary.sig. It returns what
// was found, and an error unless everything that is asked for is there: a
// [*sign.NoSignatureError], [*sign.InvalidError] or [*sign.NoKeysError], or one
// from reading keys.
func (v *Verification) Verify(ctx context.Context, data []byte, signatures Metadata) ([]sign.Result, error) {
	results, _, err := v.verify(ctx, data, signatures)
	return results, err
}

// verify also returns the engine that did not accept, empty for those of Any.
func (v *Verification) verify(ctx context.Context, data []byte, signatures Metadata) ([]sign.Result, string, error) {
	if !v.Needed() {
		return nil, "", nil
	}
	var results []sign.Result
	for _, verifier := range v.All {
		result, err := verifyOne(ctx, verifier, data, signatures)
		if err != nil {
			return nil, verifier.Engine(), err
		}
		results = append(results, result)
	}
	if len(v.Any) > 0 {
		result, err := verifyAny(ctx, v.Any, data, signatures)
		if err != nil {
			return nil, "", err
		}
		results = append(results, result)
	}
	return results, "", nil
}

// VerifyCommit is Verify for the bytes of a commit and its detached metadata,
// which may be nil. An error is an [*UnverifiedError].
func (v *Verification) VerifyCommit(ctx context.Context, commit Checksum, data []byte, detached Metadata) ([]sign.Result, error) {
	results, engine, err := v.verify(ctx, data, detached)
	if err != nil {
		return nil, &UnverifiedError{Commit: commit, Engine: engine, NoMetadata: len(detached) == 0, Err: err}
	}
	return results, nil
}

// An UnverifiedError says that a commit lacks a signature that is asked for.
type UnverifiedError struct {
	Commit     Checksum
	Engine     string // whose signature, see [Verification.All]; empty: of [Verification.Any]
	NoMetadata bool   // the commit has no detached metadata at all
	Err        error  // what is wrong
}

// Error implements error.
func (e *UnverifiedError) Error() string { return fmt.Sprintf("verify commit %s: %v", e.Commit, e.Err) }

// Unwrap returns what is wrong.
func (e *UnverifiedError) Unwrap() error { return e.Err }

func verifyOne(ctx context.Context, v sign.Verifier, data []byte, signatures Metadata) (sign.Result, error) {
	list, err := signatureList(signatures, v.Engine())
	if err != nil {
		return sign.Result{}, err
	}
	return v.Verify(ctx, data, list)
}

// verifyAny reports the first signature that is not valid, because that is the
// most preferred engine. An engine without signatures says nothing.
func verifyAny(ctx context.Context, verifiers []sign.Verifier, data []byte, signatures Metadata) (sign.Result, error) {
	var first error
	for _, v := range verifiers {
		result, err := verifyOne(ctx, v, data, signatures)
		if err == nil {
			return result, nil
		}
		if first == nil && !errors.Is(err, sign.ErrNoSignature) {
			first = err
		}
	}
	if first == nil {
		first = &sign.NoSignatureError{}
	}
	return sign.Result{}, first
}

// signatureList returns the signatures of one engine. A value of a type other
// than "aay" holds none.
func signatureList(m Metadata, engine string) ([][]byte, error) {
	value, ok := m.Lookup(sign.MetadataKey(engine))
	if !ok || value.Type() != "aay" {
		return nil, nil
	}
	list := make([][]byte, 0, value.Len())
	for _, child := range value.Children() {
		signature, err := child.Bytes()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", sign.MetadataKey(engine), err)
		}
		list = append(list, signature)
	}
	return list, nil
}

func signatureValue(list [][]byte) gvariant.Value {
	values := make([]gvariant.Value, len(list))
	for i, signature := range list {
		values[i] = gvariant.Bytes(signature)
	}
	return gvariant.Array("ay", values...)
}

// CommitVerification returns what the configuration of a remote asks of the
// commits that come from it: gpg-verify, which is true unless set, and
// sign-verify.
func (r *Repo) CommitVerification(remote string) (*Verification, error) {
	c, err := r.Remote(remote)
	if err != nil {
		return nil, err
	}
	return r.verification(c, c.GPGVerify, "sign-verify")
}

// SummaryVerification returns what the configuration of a remote asks of its
// summary: gpg-verify-summary, which is false unless set, and
// sign-verify-summary.
func (r *Repo) SummaryVerification(remote string) (*Verification, error) {
	c, err := r.Remote(remote)
	if err != nil {
		return nil, err
	}
	return r.verification(c, c.GPGVerifySummary, "sign-verify-summary")
}
