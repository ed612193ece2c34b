package ostree

import (
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// SignSummary adds signatures to those that the summary of the repository has.
// Signing what has just been written is better done by [Repo.UpdateSummary],
// which makes both visible together.
func (r *Repo) SignSummary(ctx context.Context, signers ...sign.Signer) (err error) {
	if err := r.checkWritable(); err != nil {
		return fmt.Errorf("sign summary of repository %s: %w", r.path, err)
	}
	unlock, err := r.lockSummary(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	data, old, err := r.ReadSummary(ctx)
	if err != nil {
		return err
	}
	signatures, err := ParseSignatures(old)
	if err != nil {
		return fmt.Errorf("repository %s: %w", r.path, err)
	}
	if err := addSignatures(ctx, &signatures, data, signers); err != nil {
		return fmt.Errorf("sign summary of repository %s: %w", r.path, err)
	}
	return r.replaceSummary(data, signatures.encode().Data())
}

// ParseSignatures reads a file "summary.sig": a dictionary with a list of
// signatures for each engine, see [Metadata.Signatures].
func ParseSignatures(data []byte) (Metadata, error) {
	m, err := decodeDetached(data)
	return m, corrupt(summarySigFile, err)
}

// Signatures returns the signatures that an engine of package sign has made, out
// of detached metadata of a commit or of what [ParseSignatures] returns.
func (m Metadata) Signatures(engine string) ([][]byte, error) { return signatureList(m, engine) }
