package etcmerge

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// Conflict is a local change that meets a changed default.
type Conflict struct {
	Path string `json:"path"`
	// Local and Default say how each side changed the old default.
	Local   Kind `json:"local"`
	Default Kind `json:"default"`
	// Blocking is why a merge is impossible, "" when the local version will simply be kept.
	Blocking string `json:"blocking,omitempty"`
}

// Outcome is what a merge would do.
type Outcome struct {
	// Conflicts are local changes of files whose default changes as well. The local version stays,
	// unless the conflict is blocking. Both sides having made the same change is no conflict.
	Conflicts []Conflict `json:"conflicts,omitempty"`
	// Kept are the other local changes and additions.
	Kept []Change `json:"kept,omitempty"`
	// Removed are defaults which stay removed because they were removed locally.
	Removed []string `json:"removed,omitempty"`
	// Taken are changed defaults that come into effect.
	Taken []Change `json:"taken,omitempty"`
}

// Blocking returns the conflicts that make a merge impossible.
func (o *Outcome) Blocking() []Conflict {
	var blocking []Conflict
	for _, c := range o.Conflicts {
		if c.Blocking != "" {
			blocking = append(blocking, c)
		}
	}
	return blocking
}

// Preview tells what [Merge] would do. The trees may be directories ([os.DirFS]) or the contents of
// commits; owner tells their owners and may be nil for directories.
func Preview(ctx context.Context, old, local, next fs.FS, owner Owner) (*Outcome, error) {
	var mine, theirs, between []Change
	both, bothCtx := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		mine, err = Diff(bothCtx, old, local, owner)
		return err
	})
	both.Go(func() (err error) {
		theirs, err = Diff(bothCtx, old, next, owner)
		return err
	})
	if err := both.Wait(); err != nil {
		return nil, err
	}
	if len(mine) > 0 && len(theirs) > 0 { // Otherwise nothing can conflict.
		var err error
		if between, err = Diff(ctx, next, local, owner); err != nil {
			return nil, err
		}
	}
	p := previewer{local: local, next: next, mine: byPath(mine), theirs: byPath(theirs), between: byPath(between)}
	out := new(Outcome)
	for _, c := range mine {
		if err := p.sort(out, c); err != nil {
			return nil, err
		}
	}
	for _, c := range theirs {
		if !p.decidedLocally(c.Path) {
			out.Taken = append(out.Taken, c)
		}
	}
	return out, nil
}

type previewer struct {
	local, next fs.FS
	// mine and theirs are what each side did to the old defaults, between is from new to local.
	mine, theirs, between map[string]Kind
}

// sort puts one local change where it belongs.
func (p *previewer) sort(out *Outcome, c Change) error {
	if c.Kind == Removed {
		_, err := fs.Lstat(p.next, c.Path)
		switch {
		case err == nil:
			out.Removed = append(out.Removed, c.Path)
		case !isMissing(err):
			return err
		}
		return nil
	}
	blocking, err := p.blocking(c.Path)
	if err != nil {
		return err
	}
	theirs := p.theirKind(c.Path)
	switch {
	case blocking != "":
		out.Conflicts = append(out.Conflicts, Conflict{c.Path, c.Kind, theirs, blocking})
	case theirs == "":
		out.Kept = append(out.Kept, c)
	case p.between[c.Path] != "":
		out.Conflicts = append(out.Conflicts, Conflict{c.Path, c.Kind, theirs, ""})
	}
	return nil
}

// blocking returns why a change cannot be carried over, "" when it can.
func (p *previewer) blocking(name string) (string, error) {
	for dir := range parents(name) {
		info, err := fs.Lstat(p.next, dir)
		switch {
		case isMissing(err):
		case err != nil:
			return "", err
		case !info.IsDir() && info.Mode().Type() != fs.ModeSymlink && p.mine[dir] == "":
			return "the new default of /etc/" + dir + " is not a directory", nil
		}
	}
	info, err := fs.Lstat(p.next, name)
	if isMissing(err) || (err == nil && !info.IsDir()) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	mine, err := fs.Lstat(p.local, name)
	if err != nil || mine.IsDir() {
		return "", err
	}
	return "the new default is a directory", nil
}

// theirKind returns how the new defaults changed a path; what is below a removed directory is
// removed.
func (p *previewer) theirKind(name string) Kind {
	if kind := p.theirs[name]; kind != "" {
		return kind
	}
	for dir := range parents(name) {
		if p.theirs[dir] == Removed {
			return Removed
		}
	}
	return ""
}

// decidedLocally reports whether a local change of the path, or the local removal of a directory
// above it, keeps a new default from coming into effect.
func (p *previewer) decidedLocally(name string) bool {
	if p.mine[name] != "" {
		return true
	}
	for dir := range parents(name) {
		if p.mine[dir] == Removed {
			return true
		}
	}
	return false
}

func byPath(changes []Change) map[string]Kind {
	kinds := make(map[string]Kind, len(changes))
	for _, c := range changes {
		kinds[c.Path] = c.Kind
	}
	return kinds
}

// parents yields the directories above a path, the nearest first, without the root.
func parents(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for dir := path.Dir(name); dir != "." && yield(dir); dir = path.Dir(dir) {
		}
	}
}

func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
