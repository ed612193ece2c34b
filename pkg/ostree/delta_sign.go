package ostree

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// ErrDeltaNotSigned says that a static delta has no signature at all.
var ErrDeltaNotSigned = errors.New("static delta is not signed")

// VerifyDelta verifies the signature of a static delta. One of the verifiers
// must accept it. It is [ErrDeltaNotSigned] if there is none, and otherwise the
// error of the last verifier.
func (r *Repo) VerifyDelta(ctx context.Context, n DeltaName, verifiers ...sign.Verifier) (sign.Result, error) {
	if exists, err := r.hasDelta(n); err == nil && !exists {
		return sign.Result{}, &DeltaNotFoundError{Delta: n}
	}
	return VerifyDeltaFile(ctx, filepath.Join(r.path, n.Path()), verifiers...)
}

// VerifyDeltaFile is like [Repo.VerifyDelta] for a delta that lies in files: path
// is the directory of one, or a single file that holds all of it.
func VerifyDeltaFile(ctx context.Context, path string, verifiers ...sign.Verifier) (sign.Result, error) {
	var result sign.Result
	err := withSuperblock(path, func(s *superblock, _ string) (err error) {
		result, err = s.verify(ctx, verifiers)
		return err
	})
	if err != nil {
		err = fmt.Errorf("static delta %s: %w", path, err)
	}
	return result, err
}

// verify checks the signature of a superblock. One of the verifiers must accept
// it; if none does, the error is that of the last.
func (s *superblock) verify(ctx context.Context, verifiers []sign.Verifier) (sign.Result, error) {
	if s.signed == nil {
		return sign.Result{}, ErrDeltaNotSigned
	}
	err := error(&sign.NoSignatureError{})
	for _, v := range verifiers {
		var signatures [][]byte
		if signatures, err = signatureList(s.signature, v.Engine()); err != nil {
			return sign.Result{}, fmt.Errorf("signatures of static delta %s: %w", s.name, err)
		}
		var result sign.Result
		if result, err = v.Verify(ctx, s.signed, signatures); err == nil {
			return result, nil
		}
	}
	return sign.Result{}, fmt.Errorf("verify static delta %s: %w", s.name, err)
}

// signSuperblock signs the bytes of a superblock and packs both together.
func signSuperblock(ctx context.Context, data []byte, signers []sign.Signer) ([]byte, error) {
	var signatures Metadata
	if err := addSignatures(ctx, &signatures, data, signers); err != nil {
		return nil, fmt.Errorf("sign static delta: %w", err)
	}
	var magic uint64
	for i := range len(signedDeltaMagic) {
		magic |= uint64(signedDeltaMagic[i]) << (8 * i)
	}
	return gvariant.Tuple(gvariant.Uint64(magic), gvariant.Bytes(data), signatures.encode()).Data(), nil
}
