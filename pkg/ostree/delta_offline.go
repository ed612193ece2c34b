package ostree

import (
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// ApplyDeltaOptions say how [Repo.ApplyDelta] trusts a delta. The zero value
// applies one that is not signed, unless core.sign-verify-deltas is set.
type ApplyDeltaOptions struct {
	// Verifiers check the signature of the superblock. If there are any, one of
	// them must accept it.
	Verifiers []sign.Verifier
}

// ErrDeltaKeyNeeded says that core.sign-verify-deltas wants deltas to be signed
// and that no key was given to verify that.
var ErrDeltaKeyNeeded = errors.New("core.sign-verify-deltas is set, so a key is needed to verify static deltas")

// A DeltaSourceError says that a delta starts from a commit that the repository
// lacks.
type DeltaSourceError struct{ Delta DeltaName }

// Error implements error.
func (e *DeltaSourceError) Error() string {
	return fmt.Sprintf("static delta to %s starts from commit %s, which the repository lacks or has only in part",
		e.Delta.To, e.Delta.From)
}

// A DeltaFallbackError says that a delta leaves out objects, so that it cannot
// be applied without a server that has them.
type DeltaFallbackError struct {
	Delta   DeltaName
	Objects int // how many it leaves out
}

// Error implements error.
func (e *DeltaFallbackError) Error() string {
	return fmt.Sprintf("static delta %s leaves out %d large objects; generate it without a size for fallbacks to apply it offline",
		e.Delta, e.Objects)
}

// ApplyDelta applies a static delta that lies in files: path is the directory
// of one, or a single file that holds all of it. The commit that it leads to is
// then in the repository, and no ref points to it.
//
// The commit that the delta starts from must be there. It is a
// [*DeltaSourceError] if it is not.
func (r *Repo) ApplyDelta(ctx context.Context, path string, opts ApplyDeltaOptions) (DeltaName, error) {
	var name DeltaName
	err := r.Update(ctx, func(w *Writer) (err error) {
		name, err = w.ApplyDelta(ctx, path, opts)
		return err
	})
	return name, err
}

// ApplyDelta is like [Repo.ApplyDelta], as part of an update.
func (w *Writer) ApplyDelta(ctx context.Context, path string, opts ApplyDeltaOptions) (DeltaName, error) {
	if err := w.begin(ctx); err != nil {
		return DeltaName{}, err
	}
	if w.repo.settings.verifyDeltas && len(opts.Verifiers) == 0 {
		return DeltaName{}, ErrDeltaKeyNeeded
	}
	var name DeltaName
	err := withSuperblock(path, func(s *superblock, dir string) error {
		name = s.name
		return w.applyDelta(ctx, s, dir, opts)
	})
	if err != nil {
		return name, fmt.Errorf("apply static delta %s: %w", path, err)
	}
	return name, nil
}

func (w *Writer) applyDelta(ctx context.Context, s *superblock, dir string, opts ApplyDeltaOptions) error {
	if len(opts.Verifiers) > 0 {
		if _, err := s.verify(ctx, opts.Verifiers); err != nil {
			return err
		}
	}
	if len(s.fallbacks) > 0 {
		return &DeltaFallbackError{Delta: s.name, Objects: len(s.fallbacks)}
	}
	if err := w.needDeltaSource(s); err != nil {
		return err
	}
	for i := range s.parts {
		if err := w.applyPartFile(ctx, s, i, dir); err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
	}
	return w.writeDeltaCommit(ctx, s)
}

// needDeltaSource checks that the commit that a delta starts from is there.
func (w *Writer) needDeltaSource(s *superblock) error {
	if s.parents > 0 {
		return fmt.Errorf("it needs %d other deltas to be applied before it", s.parents)
	}
	if s.name.From.IsZero() {
		return nil
	}
	has, err := w.store.has(ObjectName{s.name.From, ObjectCommit})
	if err != nil {
		return err
	}
	partial, err := w.repo.IsPartial(s.name.From)
	if err != nil {
		return err
	}
	if !has || partial {
		return &DeltaSourceError{Delta: s.name}
	}
	return nil
}

func (w *Writer) applyPartFile(ctx context.Context, s *superblock, i int, dir string) error {
	if done, err := w.hasDeltaPart(s, i); done || err != nil {
		return err
	}
	part, err := s.openPartFile(w.blobs(), i, dir)
	if err != nil {
		return err
	}
	return errors.Join(w.cook(ctx, part.partContent, s.parts[i].objects), part.close())
}

// writeDeltaCommit writes the commit that a delta leads to, with what is
// attached to it. All it needs must be there.
func (w *Writer) writeDeltaCommit(ctx context.Context, s *superblock) error {
	commit, err := decodeCommit(s.commit)
	if err != nil {
		return corrupt(s.name.To.String(), err)
	}
	if err := w.need(ObjectName{commit.Tree.Contents, ObjectDirTree}); err != nil {
		return fmt.Errorf("its tree: %w", err)
	}
	detached, err := s.detached()
	if err != nil {
		return err
	}
	if detached != nil {
		if err := w.WriteDetachedMetadata(ctx, s.name.To, detached); err != nil {
			return err
		}
	}
	return w.putMetaAs(ObjectName{s.name.To, ObjectCommit}, s.commit)
}

// detached returns what the delta says is attached to the commit, nil if it
// says nothing.
func (s *superblock) detached() (Metadata, error) {
	v, ok := s.metadata.Lookup(s.name.detachedKey())
	if !ok || v.Type() == "ay" {
		return nil, nil
	}
	if v.Type() != "a{sv}" {
		return nil, fmt.Errorf("detached metadata of type %q", v.Type())
	}
	return decodeMetadata(v)
}
