package ostree

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// MetadataRef is the ref that [Repo.UpdateSummary] gives a repository with a
// collection id: its commit has no files and carries the metadata of the
// summary, so that mirrors and other peers can pass it on with its signature.
const MetadataRef = "ostree-metadata"

// MetadataCollectionBinding is the key of a commit that says to which collection
// it belongs, a string.
const MetadataCollectionBinding = "ostree.collection-binding"

// SummaryOptions say what [Repo.UpdateSummary] puts in the summary besides what
// it finds in the repository. The zero value is useful.
type SummaryOptions struct {
	// Metadata is added to the dictionary, for example SummaryExpires. Keys that
	// UpdateSummary writes itself replace those given here.
	Metadata Metadata
	// Signers sign the summary, and the commit of [MetadataRef].
	Signers []sign.Signer
	// Timestamp is the time of the commit of [MetadataRef]. Zero means now.
	Timestamp time.Time
	// NoMetadataCommit leaves the ref [MetadataRef] as it is.
	NoMetadataCommit bool
}

// UpdateSummary writes the file "summary" anew: all local refs with their
// commits, those of collections that the repository mirrors, and its static
// deltas, unless core.no-deltas-in-summary is set. Indexes of static deltas are
// brought up to date as well. With a collection id in core.collection-id it first
// writes a commit with opts.Metadata to the ref [MetadataRef].
//
// A signature of the old summary, which no longer fits, is removed if the new one
// is not signed.
//
// It holds the lock of the repository shared, so that others may commit at the
// same time; two that update the summary wait for each other.
func (r *Repo) UpdateSummary(ctx context.Context, opts SummaryOptions) error {
	if err := r.checkWritable(); err != nil {
		return fmt.Errorf("update summary of repository %s: %w", r.path, err)
	}
	if r.settings.collection != "" && !opts.NoMetadataCommit {
		if err := r.updateMetadataRef(ctx, opts); err != nil {
			return fmt.Errorf("update summary: %w", err)
		}
	}
	return r.regenerateSummary(ctx, opts)
}

// updateMetadataRef writes the commit of MetadataRef.
func (r *Repo) updateMetadataRef(ctx context.Context, opts SummaryOptions) error {
	ref := Refspec{Ref: MetadataRef}
	return r.Update(ctx, func(w *Writer) error {
		w.noSummary = true // which is about to be written anyway
		parent, err := r.resolveRefHere(ref)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		commit := Commit{Parent: parent, Timestamp: cmp.Or(opts.Timestamp, r.now()), Metadata: slices.Clone(opts.Metadata)}
		commit.Metadata.Set(MetadataCollectionBinding, gvariant.String(r.settings.collection))
		commit.Metadata.Set(MetadataRefBinding, gvariant.Strings([]string{MetadataRef}))
		if commit.Tree, err = w.WriteTree(ctx, NewTree(DirMeta{Mode: 0o40755})); err != nil {
			return err
		}
		c, err := w.WriteCommit(ctx, commit)
		if err != nil {
			return err
		}
		if err := w.SignCommit(ctx, c, opts.Signers...); err != nil {
			return err
		}
		return w.SetRef(ref, c)
	})
}

// regenerateSummary writes the summary of what is in the repository now.
func (r *Repo) regenerateSummary(ctx context.Context, opts SummaryOptions) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("update summary of repository %s: %w", r.path, err)
		}
	}()
	unlock, err := r.Lock(ctx, Shared)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	// Refs are read after this, so the last one to write has seen all of them.
	free, err := r.lockSummary(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, free()) }()
	s, err := r.summarize(ctx, opts)
	if err != nil {
		return err
	}
	data, err := s.Encode()
	if err != nil {
		return err
	}
	if len(opts.Signers) == 0 {
		return r.replaceSummary(data, nil)
	}
	var signatures Metadata
	if err := addSignatures(ctx, &signatures, data, opts.Signers); err != nil {
		return err
	}
	return r.replaceSummary(data, signatures.encode().Data())
}

// summarize collects what goes into a summary.
func (r *Repo) summarize(ctx context.Context, opts SummaryOptions) (*Summary, error) {
	s := &Summary{Metadata: slices.Clone(opts.Metadata)}
	if err := r.summarizeRefs(ctx, s); err != nil {
		return nil, err
	}
	if err := r.summarizeDeltas(ctx, s); err != nil {
		return nil, err
	}
	mode, ok := r.ConfigValue("core", "mode")
	if !ok {
		mode = r.settings.mode.String()
	}
	s.Metadata.Set(SummaryMode, gvariant.String(mode))
	s.Metadata.Set(SummaryLastModified, timeValue(r.now()))
	s.Metadata.Set(SummaryTombstones, gvariant.Bool(r.settings.tombstones))
	s.Metadata.Set(SummaryIndexedDeltas, gvariant.Bool(true))
	if r.settings.collection != "" {
		s.Metadata.Set(SummaryCollectionID, gvariant.String(r.settings.collection))
	}
	return s, nil
}
