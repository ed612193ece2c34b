package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// Aliases lists the local refs that stand for another one, with the ref each
// stands for, which may be an alias too. A prefix selects like in [Repo.Refs].
func (r *Repo) Aliases(ctx context.Context, prefix string) (map[Refspec]Refspec, error) {
	refs, err := r.Refs(ctx, prefix)
	if err != nil {
		return nil, err
	}
	aliases := make(map[Refspec]Refspec)
	for ref := range refs {
		target, err := r.aliasTarget(ref.path())
		if err != nil {
			return nil, fmt.Errorf("aliases of repository %s: %w", r.path, err)
		}
		if to, ok := refspecFromPath(target); ok {
			aliases[ref] = to
		}
	}
	return aliases, nil
}

// aliasTarget returns the path below refs of what an alias stands for, or "" if
// the ref at a path is none.
func (r *Repo) aliasTarget(refPath string) (string, error) {
	target, err := fsx.ReadLinkAt(r.fd, "refs/"+refPath)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, fs.ErrNotExist) {
		return "", nil // a plain ref, or one that is gone
	}
	if err != nil || path.IsAbs(target) {
		return "", err
	}
	return path.Join(path.Dir(refPath), target), nil
}

// SetAlias makes a local ref stand for another one when the update is done: it
// then names whatever commit that one names. The other one must exist by then.
func (w *Writer) SetAlias(alias, target Refspec) error {
	for _, ref := range []Refspec{alias, target} {
		if err := ref.check(); err != nil {
			return err
		}
		if ref.Remote != "" {
			return &AliasError{Alias: alias, Target: target, Remote: true}
		}
	}
	return w.setRef(alias.path(), refChange{target: target.path()})
}

// An AliasError says that an alias cannot be made.
type AliasError struct {
	Alias, Target Refspec
	Remote        bool // one of them belongs to a remote; if not, Target does not exist
}

// Error implements error.
func (e *AliasError) Error() string {
	if e.Remote {
		return fmt.Sprintf("alias %s of %s: only local refs can be aliases and have them", e.Alias, e.Target)
	}
	return fmt.Sprintf("alias %s: ref %s does not exist", e.Alias, e.Target)
}

// checkAlias makes sure that an alias leads to a ref.
func (w *Writer) checkAlias(refPath, target string) error {
	alias, _ := refspecFromPath(refPath)
	to, _ := refspecFromPath(target)
	seen := map[string]bool{refPath: true}
	for next := target; next != ""; {
		if seen[next] {
			return fmt.Errorf("alias %s: it would stand for itself", alias)
		}
		seen[next] = true
		if !w.refWillExist(next) {
			return &AliasError{Alias: alias, Target: to}
		}
		change, changed := w.refs[next]
		if changed {
			next = change.target
			continue
		}
		var err error
		if next, err = w.repo.aliasTarget(next); err != nil {
			return err
		}
	}
	return nil
}

// A RefAliasedError says that a ref cannot be deleted because an alias stands
// for it.
type RefAliasedError struct{ Ref, Alias Refspec }

// Error implements error.
func (e *RefAliasedError) Error() string {
	return fmt.Sprintf("ref %s cannot be deleted, %s is an alias of it; delete that first", e.Ref, e.Alias)
}

// checkAliases refuses to leave an alias of a ref that is to be deleted.
func (w *Writer) checkAliases(ctx context.Context) error {
	deletes := false
	for refPath, change := range w.refs {
		deletes = deletes || change.gone && strings.HasPrefix(refPath, "heads/")
	}
	if !deletes {
		return nil
	}
	aliases, err := w.repo.Aliases(ctx, "")
	if err != nil {
		return err
	}
	for alias, target := range aliases {
		_, changed := w.refs[alias.path()]
		if w.refs[target.path()].gone && !changed {
			return &RefAliasedError{Ref: target, Alias: alias}
		}
	}
	return nil
}

// linkText is the content of the symbolic link of an alias.
func linkText(alias, target string) string {
	up := strings.Count(strings.TrimPrefix(alias, "heads/"), "/")
	return strings.Repeat("../", up) + strings.TrimPrefix(target, "heads/")
}
