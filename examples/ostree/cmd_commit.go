package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// commitFlags are the options of commit.
type commitFlags struct {
	parent, subject, body, bodyFile, branch string
	editor, orphan, skipUnchanged           bool
	timestamp                               string
	noFsync, table                          bool
	meta                                    commitMetaFlags
	trees                                   commitTreeFlags
	signing                                 signFlags
	fsync                                   bool
}

func cmdCommit() *command {
	o := &commitFlags{fsync: true}
	return &command{
		name: "commit", operands: "[PATH]", summary: "Commit a new revision",
		flags: o.add,
		run:   o.run,
	}
}

func (o *commitFlags) add(f *flags) {
	f.String(&o.parent, "parent", "", "COMMIT", "Parent commit checksum, or \"none\"")
	f.String(&o.subject, "subject", "s", "SUBJECT", "One line subject")
	f.String(&o.body, "body", "m", "BODY", "Full description")
	f.String(&o.bodyFile, "body-file", "F", "FILE", "Commit message from FILE path")
	f.Bool(&o.editor, "editor", "e", "Use an editor to write the commit message")
	f.String(&o.branch, "branch", "b", "BRANCH", "Branch")
	f.Bool(&o.orphan, "orphan", "", "Create a commit without writing a ref")
	o.meta.add(f)
	o.trees.add(f)
	f.Bool(&o.skipUnchanged, "skip-if-unchanged", "", "If the contents are unchanged from previous commit, do nothing")
	f.Bool(&o.table, "table-output", "", "Output more information in a KEY: VALUE format")
	o.signing.add(f, "commit")
	f.Bool(&o.noFsync, "disable-fsync", "", "Do not invoke fsync()")
	f.Hide("disable-fsync")
	f.YesNo(&o.fsync, "fsync", "", "POLICY", "Specify how to invoke fsync()")
	f.String(&o.timestamp, "timestamp", "", "TIMESTAMP", "Override the timestamp of the commit")
}

func (o *commitFlags) run(ctx context.Context, e *env, args []string) error {
	repo, err := e.openRepo()
	if err != nil {
		return err
	}
	if o.branch == "" && !o.orphan {
		return errors.New("A branch must be specified with --branch, or use --orphan")
	}
	commit := ostree.Commit{Subject: o.subject, Body: o.body}
	if commit.Parent, err = o.findParent(ctx, repo); err != nil {
		return err
	}
	if commit.Timestamp, err = o.time(e); err != nil {
		return err
	}
	if err := o.meta.fill(ctx, repo, &commit, o); err != nil {
		return err
	}
	if err := o.message(ctx, e, &commit); err != nil {
		return err
	}
	if err := o.trees.prepare(ctx, repo, args); err != nil {
		return err
	}
	return o.write(ctx, e, repo, commit)
}

// write runs the transaction and prints what came out.
func (o *commitFlags) write(ctx context.Context, e *env, repo *ostree.Repo, commit ostree.Commit) error {
	var c ostree.Checksum
	var stats ostree.WriteStats
	written := false
	err := repo.UpdateWith(ctx, func(w *ostree.Writer) error {
		var err error
		c, written, err = o.writeCommit(ctx, e, repo, w, commit)
		stats = w.Stats()
		return err
	}, ostree.UpdateOptions{Resume: true, NoSync: o.noFsync || !o.fsync})
	if err != nil {
		return err
	}
	if !o.table {
		e.println(c)
		return nil
	}
	e.printf("Commit: %s\n", c)
	if written {
		printWriteStats(e, stats)
	}
	return nil
}

func printWriteStats(e *env, s ostree.WriteStats) {
	e.printf("Metadata Total: %d\n", s.MetadataTotal)
	e.printf("Metadata Written: %d\n", s.MetadataWritten)
	e.printf("Content Total: %d\n", s.ContentTotal)
	e.printf("Content Written: %d\n", s.ContentWritten)
	e.printf("Content Cache Hits: %d\n", s.CacheHits)
	e.printf("Content Bytes Written: %d\n", s.ContentBytesWritten)
}

// writeCommit writes the tree, the commit and the ref. It returns the parent and
// false if there is nothing new and that was asked for.
func (o *commitFlags) writeCommit(ctx context.Context, e *env, repo *ostree.Repo, w *ostree.Writer, commit ostree.Commit) (ostree.Checksum, bool, error) {
	tree, err := o.trees.build(ctx, e, repo, w)
	if err != nil {
		return ostree.Checksum{}, false, err
	}
	if commit.Tree, err = w.WriteTree(ctx, tree); err != nil {
		return ostree.Checksum{}, false, err
	}
	if o.skipUnchanged && !commit.Parent.IsZero() {
		parent, err := repo.LoadCommit(ctx, commit.Parent)
		if err != nil || parent.Tree == commit.Tree {
			return commit.Parent, false, err
		}
	}
	if err := o.meta.complete(ctx, w, tree, &commit); err != nil {
		return ostree.Checksum{}, false, err
	}
	c, err := w.WriteCommit(ctx, commit)
	if err != nil {
		return c, false, err
	}
	if err := o.attach(ctx, e, w, c); err != nil {
		return c, false, err
	}
	if o.orphan {
		return c, true, nil
	}
	ref, err := ostree.ParseRefspec(o.branch)
	if err != nil {
		return c, false, err
	}
	return c, true, w.SetRef(ref, c)
}

// attach writes what belongs to the commit but is not part of it.
func (o *commitFlags) attach(ctx context.Context, e *env, w *ostree.Writer, c ostree.Checksum) error {
	if len(o.meta.detached) > 0 {
		if err := w.WriteDetachedMetadata(ctx, c, o.meta.detached); err != nil {
			return err
		}
	}
	signers, err := o.signing.signers(e)
	if err != nil || len(signers) == 0 {
		return err
	}
	return w.SignCommit(ctx, c, signers...)
}

// findParent returns the commit that the new one follows, or zero.
func (o *commitFlags) findParent(ctx context.Context, repo *ostree.Repo) (ostree.Checksum, error) {
	switch {
	case o.parent == "none":
		return ostree.Checksum{}, nil
	case o.parent != "":
		c, err := ostree.ParseChecksum(o.parent)
		if err != nil {
			return c, fmt.Errorf("Invalid rev %s", o.parent)
		}
		return c, nil
	case o.orphan:
		return ostree.Checksum{}, nil
	}
	if _, err := ostree.ParseRefspec(o.branch); err != nil {
		return ostree.Checksum{}, fmt.Errorf("Invalid refspec %s", o.branch)
	}
	c, err := repo.Resolve(ctx, o.branch)
	if errors.Is(err, ostree.ErrRefNotFound) {
		return ostree.Checksum{}, nil
	}
	return c, err
}

func (o *commitFlags) time(e *env) (time.Time, error) {
	if o.timestamp != "" {
		return parseDate(o.timestamp, time.Now())
	}
	t, err := e.sourceDate()
	if err == nil && t.IsZero() {
		t = time.Now()
	}
	return t, err
}
