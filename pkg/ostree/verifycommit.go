package ostree

import (
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// VerifyCommit checks the signatures of a commit of the repository, see
// [Verification.Verify]. [Repo.CommitVerification] gives what a remote asks for.
func (r *Repo) VerifyCommit(ctx context.Context, commit Checksum, v *Verification) ([]sign.Result, error) {
	data, m, err := r.signedCommit(ctx, commit)
	if err != nil {
		return nil, fmt.Errorf("verify commit: %w", err)
	}
	return v.VerifyCommit(ctx, commit, data, m)
}

// CommitSignatures looks at all OpenPGP signatures of a commit, also those that
// are worth nothing, with the keys of a keyring. There may be none.
func (r *Repo) CommitSignatures(ctx context.Context, commit Checksum, keys *sign.Keyring) ([]sign.Signature, error) {
	data, m, err := r.signedCommit(ctx, commit)
	if err != nil {
		return nil, fmt.Errorf("signatures of commit: %w", err)
	}
	list, err := signatureList(m, sign.GPG)
	if err != nil {
		return nil, fmt.Errorf("signatures of commit %s: %w", commit, err)
	}
	return keys.Check(ctx, data, list)
}

func (r *Repo) signedCommit(ctx context.Context, commit Checksum) ([]byte, Metadata, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	data, err := r.store.readMeta(ObjectName{commit, ObjectCommit})
	if err != nil {
		return nil, nil, err
	}
	m, err := r.store.detached(commit)
	return data, m, err
}

func (s *store) detached(commit Checksum) (Metadata, error) {
	m, err := readDecoded(s, ObjectName{commit, ObjectCommitMeta}, decodeDetached)
	if errors.Is(err, ErrObjectNotFound) {
		return nil, nil
	}
	return m, err
}
