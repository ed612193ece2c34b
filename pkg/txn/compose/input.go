package compose

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// common is what every phase of a compose tells the assembler: where, with what, and how the tree is
// finished.
func (a *application) common(ctx context.Context) (in assemble.Input, err error) {
	c, tree := a.composer, a.composer.opts.Treefile
	in = assemble.Input{
		Repo: c.opts.Repo, Architecture: tree.Basearch, Timestamp: a.scriptTime(), KeepStages: true, Unpacker: c.opts.Unpacker,
		Initramfs: !tree.NoInitramfs && !tree.Container, InitramfsArgs: tree.InitramfsArgs, AllowNoKernel: tree.Container,
		ReadOnlyExecutables: tree.ReadonlyExecutables,
		Inspect:             c.opts.Inspect, Runner: c.opts.Runner, Logger: c.opts.Logger, LogDir: filepath.Join(c.opts.CacheDir, "logs"),
		WorkDir: c.opts.WorkDir,
	}
	if in.Runner == nil {
		in.Runner, err = sandbox.New(ctx, sandbox.Options{})
	}
	return in, err
}

// fill adds what the phase of packages and scripts needs.
func (a *application) fill(ctx context.Context, in *assemble.Input) (err error) {
	tree := a.composer.opts.Treefile
	if in.Batches, err = solve.Batches(ctx, a.plan.packages, nil); err != nil {
		return err
	}
	if in.Seed, err = a.seed(ctx); err != nil {
		return err
	}
	if in.Postprocess, err = tree.scripts(); err != nil {
		return err
	}
	in.Debs, in.Prepare, in.Record = a.debs, a.prepare, a.record
	in.ForeignArchitectures, in.Preseed, in.ExcludeDocs = tree.ForeignArchitectures, tree.Preseed, !tree.Docs()
	in.Units, in.DefaultTarget = tree.Units, tree.DefaultTarget
	return nil
}

// describe adds what the commit says besides its tree, and where it goes.
func (a *application) describe(in *assemble.Input) error {
	metadata, err := a.metadata()
	if err != nil {
		return err
	}
	in.Commit = ostree.Commit{Parent: a.plan.Parent, Timestamp: a.plan.now, Metadata: metadata}
	if a.plan.Ref != "" && !a.composer.opts.NoRef {
		if in.Ref, err = ostree.ParseRefspec(a.plan.Ref); err != nil {
			return fmt.Errorf("treefile: ref: %w", err)
		}
	}
	return nil
}

// scriptTime is the time that scripts are told. Without one to be reproducible for it is the beginning
// of the day, so that what was made for another compose of the day can serve again.
func (a *application) scriptTime() time.Time {
	if !a.composer.opts.Timestamp.IsZero() {
		return a.composer.opts.Timestamp
	}
	return a.plan.now.UTC().Truncate(24 * time.Hour)
}

// seed is the previous tree, whose users and groups keep their ids.
func (a *application) seed(ctx context.Context) (fs.FS, error) {
	if keep := a.composer.opts.Treefile.PreservePasswd; a.plan.previous == nil || keep != nil && !*keep {
		return nil, nil
	}
	return a.composer.opts.Repo.FS(ctx, a.plan.previous.sum)
}

// scripts are what runs after the packages are configured.
func (t *Treefile) scripts() ([]assemble.Script, error) {
	var scripts []assemble.Script
	for i, text := range t.Postprocess {
		scripts = append(scripts, assemble.Script{Name: fmt.Sprintf("postprocess %d", i+1), Text: text})
	}
	if t.PostprocessScript != "" {
		text, err := os.ReadFile(t.PostprocessScript)
		if err != nil {
			return nil, fmt.Errorf("treefile: postprocess-script: %w", err)
		}
		scripts = append(scripts, assemble.Script{Name: "postprocess-script", Text: string(text)})
	}
	if len(t.RemoveFiles) > 0 {
		var b strings.Builder
		b.WriteString("#!/bin/sh\nset -e\nrm -rf --")
		for _, p := range t.RemoveFiles {
			b.WriteString(" '/" + strings.ReplaceAll(strings.TrimPrefix(p, "/"), "'", `'\''`) + "'")
		}
		scripts = append(scripts, assemble.Script{Name: "remove-files", Text: b.String() + "\n"})
	}
	return scripts, nil
}
