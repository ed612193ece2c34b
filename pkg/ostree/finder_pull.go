package ostree

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// A NotPulledError says that no place gave some refs.
type NotPulledError struct {
	Refs []CollectionRef
	Errs []error // from the places that were tried, in order
}

// Error implements error.
func (e *NotPulledError) Error() string {
	names := make([]string, len(e.Refs))
	for i, ref := range e.Refs {
		names[i] = ref.String()
	}
	return fmt.Sprintf("no place gave %s: %v", strings.Join(names, ", "), errors.Join(e.Errs...))
}

// Unwrap returns why the places did not.
func (e *NotPulledError) Unwrap() []error { return e.Errs }

// PullFound pulls what [Repo.FindRemotes] has found, each ref from the first
// place that gives it. Commits are verified with the keys of the remote of their
// collection as its configuration says, and at least with OpenPGP: the place may
// be anybody's. Refs, commits and verification in opts are not used. It is a
// [*NotPulledError] if no place gives a ref.
func (r *Repo) PullFound(ctx context.Context, found []FoundRemote, opts PullOptions) error {
	var order []CollectionRef
	pulled := make(map[CollectionRef]bool)
	var errs []error
	for i := range found {
		f := &found[i]
		var refs []PullRef
		for _, ref := range f.Refs {
			if ref.Commit.IsZero() || pulled[ref.CollectionRef] {
				continue
			}
			if _, seen := pulled[ref.CollectionRef]; !seen {
				order = append(order, ref.CollectionRef)
				pulled[ref.CollectionRef] = false
			}
			refs = append(refs, PullRef{Collection: ref.Collection, Ref: ref.Ref, Commit: ref.Commit})
		}
		if len(refs) == 0 {
			continue
		}
		if err := r.pullFound(ctx, f, refs, opts); err != nil {
			if ctx.Err() != nil {
				return err
			}
			errs = append(errs, err)
			continue
		}
		for _, ref := range refs {
			pulled[CollectionRef{Collection: ref.Collection, Ref: ref.Ref}] = true
		}
	}
	missing := &NotPulledError{Errs: errs}
	for _, ref := range order {
		if !pulled[ref] {
			missing.Refs = append(missing.Refs, ref)
		}
	}
	if len(missing.Refs) > 0 {
		return missing
	}
	return nil
}

func (r *Repo) pullFound(ctx context.Context, f *FoundRemote, refs []PullRef, opts PullOptions) error {
	verify, err := r.CommitVerification(f.Remote)
	if err != nil {
		return err
	}
	if !verify.Needed() {
		keys, err := r.RemoteKeyring(f.Remote)
		if err != nil {
			return err
		}
		verify = &Verification{All: []sign.Verifier{keys}}
	}
	opts.Refs, opts.VerifyCommits, opts.VerifySummary = refs, verify, &Verification{}
	opts.Untrusted = true
	if f.volume == "" {
		_, err = r.Pull(ctx, f.Remote, opts)
		return err
	}
	src, err := Open(f.volume, Options{Clock: r.opts.Clock})
	if err != nil {
		return err
	}
	opts.Remote = f.Remote
	_, err = r.PullLocal(ctx, src, opts)
	return errors.Join(err, src.Close())
}
