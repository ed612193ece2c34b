package ostree

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// An AlreadySignedError says that a commit has a signature by the key that was
// to sign it.
type AlreadySignedError struct {
	Commit Checksum
	Key    string // fingerprint or key ID
}

// Error implements error.
func (e *AlreadySignedError) Error() string {
	return fmt.Sprintf("commit %s is already signed with key %s", e.Commit, e.Key)
}

// SignCommit signs a commit, which may be one that this Writer has written, and
// adds the signatures to its detached metadata. It is an [*AlreadySignedError]
// if an OpenPGP key has signed it before. Signatures of other kinds that are
// already there are not added twice.
func (w *Writer) SignCommit(ctx context.Context, commit Checksum, signers ...sign.Signer) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	data, err := w.store.readMeta(ObjectName{commit, ObjectCommit})
	if err != nil {
		return fmt.Errorf("sign commit: %w", err)
	}
	// Signing can take long, when somebody types a passphrase, so the signatures
	// that exist are read after it.
	made := make([][]byte, len(signers))
	for i, s := range signers {
		if made[i], err = s.Sign(ctx, data); err != nil {
			return fmt.Errorf("sign commit %s: %w", commit, err)
		}
	}
	m, err := w.store.detached(commit)
	if err != nil {
		return fmt.Errorf("sign commit: %w", err)
	}
	for i, s := range signers {
		if s.Engine() == sign.GPG {
			if key, err := signedBefore(m, made[i]); key != "" || err != nil {
				return orElse(err, &AlreadySignedError{Commit: commit, Key: key})
			}
		}
		if err := m.addSignature(s.Engine(), made[i]); err != nil {
			return fmt.Errorf("sign commit %s: %w", commit, err)
		}
	}
	return w.WriteDetachedMetadata(ctx, commit, m)
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// signedBefore returns the key of an OpenPGP signature if another of it exists.
func signedBefore(m Metadata, signature []byte) (string, error) {
	old, err := signatureList(m, sign.GPG)
	if err != nil {
		return "", err
	}
	for _, key := range sign.Issuers(signature) {
		if slices.ContainsFunc(old, func(s []byte) bool { return slices.Contains(sign.Issuers(s), key) }) {
			return key, nil
		}
	}
	return "", nil
}

// addSignature puts a signature behind those of its engine, unless it is there.
func (m *Metadata) addSignature(engine string, signature []byte) error {
	key := sign.MetadataKey(engine)
	if old, ok := m.Lookup(key); ok && old.Type() != "aay" {
		return fmt.Errorf("signatures in %s have type %q, not aay", key, old.Type())
	}
	list, err := signatureList(*m, engine)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(s []byte) bool { return bytes.Equal(s, signature) }) {
		list = append(list, signature)
	}
	m.Set(key, signatureValue(list))
	return nil
}

// addSignatures signs data and adds the results to a dictionary of signatures,
// as detached metadata of commits, signed deltas and summary.sig hold them.
func addSignatures(ctx context.Context, m *Metadata, data []byte, signers []sign.Signer) error {
	for _, s := range signers {
		signature, err := s.Sign(ctx, data)
		if err != nil {
			return err
		}
		if err := m.addSignature(s.Engine(), signature); err != nil {
			return err
		}
	}
	return nil
}

// DeleteSignatures removes the signatures of an engine for which drop is true
// from the detached metadata of a commit, and returns how many they were.
// [sign.Keyring.MadeBy] returns such a function.
func (w *Writer) DeleteSignatures(
	ctx context.Context, commit Checksum, engine string, drop func(signature []byte) bool,
) (int, error) {
	if err := w.begin(ctx); err != nil {
		return 0, err
	}
	m, err := w.store.detached(commit)
	if err != nil {
		return 0, fmt.Errorf("delete signatures: %w", err)
	}
	list, err := signatureList(m, engine)
	if err != nil {
		return 0, fmt.Errorf("delete signatures of %s: %w", commit, err)
	}
	kept := slices.DeleteFunc(slices.Clone(list), drop)
	deleted := len(list) - len(kept)
	if deleted == 0 {
		return 0, nil
	}
	if m.Set(sign.MetadataKey(engine), signatureValue(kept)); len(kept) == 0 {
		m.Delete(sign.MetadataKey(engine))
	}
	return deleted, w.WriteDetachedMetadata(ctx, commit, m)
}

// DeleteVerified removes the signatures that a verifier accepts from the detached
// metadata of a commit, and returns how many they were.
func (w *Writer) DeleteVerified(ctx context.Context, commit Checksum, v sign.Verifier) (int, error) {
	if err := w.begin(ctx); err != nil {
		return 0, err
	}
	data, err := w.store.readMeta(ObjectName{commit, ObjectCommit})
	if err != nil {
		return 0, fmt.Errorf("delete signatures: %w", err)
	}
	return w.DeleteSignatures(ctx, commit, v.Engine(), func(signature []byte) bool {
		_, err := v.Verify(ctx, data, [][]byte{signature})
		return err == nil
	})
}
