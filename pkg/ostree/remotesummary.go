package ostree

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// A FetchedSummary is the summary of a remote as it was fetched.
type FetchedSummary struct {
	// Summary is what Data says. It is nil if the remote has no summary.
	Summary *Summary
	// Data is the file "summary", nil if there is none.
	Data []byte
	// Signatures is the file "summary.sig", nil if there is none.
	Signatures []byte
	// Verified are the signatures that were found valid, empty if none was asked
	// for.
	Verified []sign.Result
}

// FetchSummary gets the summary of a remote. What was fetched last time is in a
// cache and is used if the server says that it has not changed. Signatures are
// checked as the configuration of the remote asks.
//
// Errors are a [*RemoteNotFoundError], [*NoRemoteURLError], [*FetchError],
// [*MirrorlistError], [*MetalinkError], [*SummaryMissingError],
// [*UnverifiedSummaryError] and those of reading keys. That a remote has no
// summary is no error unless its signatures must be checked.
func (r *Repo) FetchSummary(ctx context.Context, remote string, o FetchOptions) (*FetchedSummary, error) {
	config, err := r.Remote(remote)
	if err != nil {
		return nil, err
	}
	verification, err := r.SummaryVerification(remote)
	if err != nil {
		return nil, err
	}
	s, err := r.openRemote(ctx, config, o)
	if err != nil {
		return nil, fmt.Errorf("remote %s: %w", remote, err)
	}
	defer s.Close()
	return r.fetchSummary(ctx, s, verification)
}

// fetchSummary is FetchSummary for a session.
func (r *Repo) fetchSummary(ctx context.Context, s *remoteSession, v *Verification) (*FetchedSummary, error) {
	cache, err := r.summaryCache(s.remote.Name, s.opts)
	if err != nil {
		return nil, err
	}
	f := &summaryFetch{session: s, cache: cache, name: s.remote.Name, verification: v}
	result, err := f.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("remote %s: %w", s.remote.Name, err)
	}
	return result, nil
}

// A summaryFetch is one call of fetchSummary.
type summaryFetch struct {
	session      *remoteSession
	cache        *summaryCache
	name         string // of the remote
	verification *Verification

	signatures, summary *cachedFile // nil if the server has none
	oldSig, old         *cachedFile // from the cache, nil if there is none
	verified            []sign.Result
}

// run gets the signatures first: if they are those of the cache then so is the
// summary.
func (f *summaryFetch) run(ctx context.Context) (*FetchedSummary, error) {
	var err error
	f.oldSig, f.old = f.cache.load(f.name+sigSuffix), f.cache.load(f.name)
	if f.signatures, err = f.get(ctx, summarySigFile, f.oldSig); err != nil {
		return nil, err
	}
	switch {
	case f.session.summary != nil:
		f.summary = &cachedFile{data: f.session.summary}
	case f.old != nil && f.oldSig != nil && f.signatures != nil && bytes.Equal(f.signatures.data, f.oldSig.data):
		f.summary = f.old
	default:
		if f.summary, err = f.get(ctx, summaryFile, f.old); err != nil {
			return nil, err
		}
	}
	if err := f.verify(ctx); err != nil {
		if f.summary == nil || f.summary != f.old {
			return nil, err
		}
		if err := f.again(ctx); err != nil {
			return nil, err
		}
	}
	result, err := f.result()
	if err != nil {
		return nil, err
	}
	return result, f.store()
}

// again is for a summary of the cache that its signatures do not match: the
// server may have changed one after the other.
func (f *summaryFetch) again(ctx context.Context) error {
	if stale := f.session.opts.StaleCache; stale != nil {
		if err := stale(); err != nil {
			return err
		}
	}
	var err error
	if f.summary, err = f.get(ctx, summaryFile, nil); err != nil {
		return err
	}
	return f.verify(ctx)
}

// get returns old itself if it has not changed, and nil if there is no such file.
func (f *summaryFetch) get(ctx context.Context, path string, old *cachedFile) (*cachedFile, error) {
	o := fetch.GetOptions{MaxSize: maxMetadataSize}
	if old != nil {
		o.ETag, o.LastModified = old.etag, old.modified
	}
	data, resp, err := f.session.meta.ReadAll(ctx, path, o)
	switch {
	case errors.Is(err, fetch.ErrNotFound):
		return nil, nil //nolint:nilnil // it is in the contract
	case err != nil:
		return nil, err
	case resp.NotModified:
		return old, nil
	}
	return &cachedFile{data: data, etag: resp.ETag, modified: resp.LastModified}, nil
}

func (f *summaryFetch) verify(ctx context.Context) error {
	if !f.verification.Needed() {
		return nil
	}
	if f.summary == nil || f.signatures == nil {
		return &SummaryMissingError{Remote: f.name, Engine: f.verification.engine(), Signatures: f.summary != nil}
	}
	// A file that holds no dictionary holds no signatures.
	signatures, err := decodeDetached(f.signatures.data)
	if err != nil {
		signatures = nil
	}
	results, engine, err := f.verification.verify(ctx, f.summary.data, signatures)
	if err != nil {
		return &UnverifiedSummaryError{Remote: f.name, Engine: engine, Err: err}
	}
	f.verified = results
	return nil
}

// engine returns the first engine that must accept, empty if several may.
func (v *Verification) engine() string {
	if len(v.All) > 0 {
		return v.All[0].Engine()
	}
	return ""
}

// store puts a pair into the cache. A summary without signatures is too easily
// taken for the other half of another pair.
func (f *summaryFetch) store() error {
	if f.summary == nil || f.signatures == nil {
		return nil
	}
	if f.signatures != f.oldSig {
		if err := f.cache.store(f.name+sigSuffix, f.signatures); err != nil {
			return fmt.Errorf("cache of summaries: %w", err)
		}
	}
	if f.summary != f.old {
		if err := f.cache.store(f.name, f.summary); err != nil {
			return fmt.Errorf("cache of summaries: %w", err)
		}
	}
	return nil
}

func (f *summaryFetch) result() (*FetchedSummary, error) {
	result := &FetchedSummary{Verified: f.verified}
	if f.signatures != nil {
		result.Signatures = f.signatures.data
	}
	if f.summary == nil {
		return result, nil
	}
	var err error
	result.Data = f.summary.data
	if result.Summary, err = ParseSummary(result.Data); err != nil {
		return nil, err
	}
	return result, nil
}

// A SummaryMissingError says that the signatures of a summary cannot be checked
// because the remote lacks it, or them.
type SummaryMissingError struct {
	Remote     string
	Engine     string // whose signature is asked for; empty: that of any other engine than GPG
	Signatures bool   // there is a summary without signatures
}

// Error implements error.
func (e *SummaryMissingError) Error() string {
	if e.Signatures {
		return "the summary must be signed, and there is no summary.sig"
	}
	return "the summary must be signed, and there is none; is the URL right?"
}

// An UnverifiedSummaryError says that a summary lacks a signature that is asked
// for.
type UnverifiedSummaryError struct {
	Remote string
	Engine string // whose signature, see [Verification.All]; empty: of [Verification.Any]
	Err    error  // what is wrong
}

// Error implements error.
func (e *UnverifiedSummaryError) Error() string { return fmt.Sprintf("verify summary: %v", e.Err) }

// Unwrap returns what is wrong.
func (e *UnverifiedSummaryError) Unwrap() error { return e.Err }
