package ostree

import (
	"context"
	"errors"
	"fmt"
)

// ImportCommit copies a commit with all it needs, and with what is attached to
// it, from one repository on this machine to another. Parents are not copied.
// No ref is changed. The commit appears when everything is there.
//
// Objects are linked and not read if both repositories would store them as the
// same file: the source is trusted. Otherwise they are hashed as they are
// copied, and one that is not what its name says ends the copy.
func ImportCommit(ctx context.Context, dst, src *Repo, c Checksum) error {
	return dst.Update(ctx, func(w *Writer) error { return w.ImportCommit(ctx, src, c) })
}

// ImportCommit is like the function of that name, as part of an update.
func (w *Writer) ImportCommit(ctx context.Context, src *Repo, c Checksum) error {
	if err := w.importCommit(ctx, src, c); err != nil {
		return fmt.Errorf("import commit %s from %s: %w", c, src.Path(), err)
	}
	return nil
}

// importCommit is a pull as part of an update that does other things too.
func (w *Writer) importCommit(ctx context.Context, src *Repo, c Checksum) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	partial, err := src.IsPartial(c)
	if err != nil {
		return err
	}
	if partial {
		return errors.New("the repository has only a part of it")
	}
	opts := PullOptions{Refs: []PullRef{{Commit: c}}, IgnoreBindings: true}
	p, err := w.repo.newPull("", opts)
	if err != nil {
		return err
	}
	p.useLocal(src)
	p.local.checkCopies = true
	if err := p.plan(ctx); err != nil {
		return err
	}
	return p.write(ctx, w)
}
