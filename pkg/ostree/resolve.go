package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// Resolve finds the commit that a revision names. It tries in this order: a
// checksum of 64 digits; a revision followed by "^", which is the parent; a ref
// of the repository, of the remote before a colon or, without one, of any
// remote, here and in parent repositories; the beginning of the checksum of one
// commit. It does not look whether the commit exists. A revision that names
// nothing gives a [*RefNotFoundError].
func (r *Repo) Resolve(ctx context.Context, rev string) (Checksum, error) {
	if err := ctx.Err(); err != nil {
		return Checksum{}, err
	}
	if isChecksum(rev) {
		return ParseChecksum(rev)
	}
	if child, ok := strings.CutSuffix(rev, "^"); ok {
		return r.resolveParent(ctx, child)
	}
	ref, err := ParseRefspec(rev)
	if err != nil {
		return Checksum{}, fmt.Errorf("resolve: %w", err)
	}
	c, err := r.resolveRef(ref)
	if errors.Is(err, fs.ErrNotExist) && ref.Remote == "" {
		c, err = r.resolvePrefix(rev)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return Checksum{}, &RefNotFoundError{Rev: rev, Path: r.path}
	}
	if err != nil {
		return Checksum{}, fmt.Errorf("resolve %q in repository %s: %w", rev, r.path, err)
	}
	return c, nil
}

func (r *Repo) resolveParent(ctx context.Context, child string) (Checksum, error) {
	c, err := r.Resolve(ctx, child)
	if err != nil {
		return Checksum{}, err
	}
	commit, err := r.store.loadCommit(c)
	if err != nil {
		return Checksum{}, err
	}
	if commit.Parent.IsZero() {
		return Checksum{}, &NoParentError{Commit: c}
	}
	return commit.Parent, nil
}

// resolveRef looks a ref up here and then in the parents.
func (r *Repo) resolveRef(ref Refspec) (Checksum, error) {
	for ; r != nil; r = r.parent {
		c, err := r.resolveRefHere(ref)
		if !errors.Is(err, fs.ErrNotExist) {
			return c, err
		}
	}
	return Checksum{}, fs.ErrNotExist
}

func (r *Repo) resolveRefHere(ref Refspec) (Checksum, error) {
	paths := []string{ref.path()}
	if ref.Remote == "" {
		remotes, err := r.refRemotes()
		if err != nil {
			return Checksum{}, err
		}
		paths = append(paths, "remotes/"+ref.Ref)
		for _, remote := range remotes {
			paths = append(paths, Refspec{Remote: remote, Ref: ref.Ref}.path())
		}
	}
	for _, path := range paths {
		c, err := r.readRef(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return c, err
		}
	}
	return Checksum{}, fs.ErrNotExist
}

// refRemotes lists the remotes that refs were fetched from.
func (r *Repo) refRemotes() ([]string, error) {
	names, err := readNames(r.fd, "refs/remotes")
	slices.Sort(names)
	return names, err
}

// readNames lists a directory; one that does not exist is empty.
func readNames(at int, dir string) ([]string, error) {
	d, err := fsx.OpenDirAt(at, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names, err := d.Readdirnames(-1)
	return names, errors.Join(err, d.Close())
}

// resolvePrefix finds the commit whose checksum begins with a string.
func (r *Repo) resolvePrefix(prefix string) (Checksum, error) {
	if len(prefix) < 2 || len(prefix) > 64 || !isHex(prefix) {
		return Checksum{}, fs.ErrNotExist
	}
	var found []Checksum
	for s := r.store; s != nil; s = s.next {
		names, err := readNames(s.fd, prefix[:2])
		if err != nil {
			return Checksum{}, err
		}
		for _, name := range names {
			object, ok := parseObjectPath(prefix[:2], name, s.mode)
			if ok && object.Type == ObjectCommit && strings.HasPrefix(name, prefix[2:]) {
				found = append(found, object.Checksum)
			}
		}
	}
	slices.SortFunc(found, compareChecksums)
	found = slices.Compact(found)
	switch len(found) {
	case 0:
		return Checksum{}, fs.ErrNotExist
	case 1:
		return found[0], nil
	}
	return Checksum{}, &AmbiguousRevError{Rev: prefix, Commits: found}
}

// An AmbiguousRevError says that a revision is the beginning of the checksums of
// several commits.
type AmbiguousRevError struct {
	Rev     string
	Commits []Checksum
}

// Error implements error.
func (e *AmbiguousRevError) Error() string {
	return fmt.Sprintf("%d commits begin with %s; give more digits", len(e.Commits), e.Rev)
}

// A NoParentError says that a revision asks for the parent of a commit that has
// none. It is [ErrRefNotFound].
type NoParentError struct{ Commit Checksum }

// Error implements error.
func (e *NoParentError) Error() string { return fmt.Sprintf("commit %s has no parent", e.Commit) }

// Is makes it equal to the sentinel.
func (e *NoParentError) Is(target error) bool { return target == ErrRefNotFound }
