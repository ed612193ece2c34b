package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

type generateOptions struct {
	opts                                ostree.DeltaOptions
	sign                                signFlags
	from, to, endianness                string
	empty, noPatches, ifMissing, swap   bool
	minFallback, maxPatched, maxPart    int64
	hasFallback, hasPatched, hasMaxPart bool
}

func cmdStaticDeltaGenerate() *command {
	var o generateOptions
	return &command{
		name: "generate", operands: "[TO]", summary: "Generate static delta files",
		flags: o.flags,
		run:   o.run,
	}
}

func (o *generateOptions) flags(f *flags) {
	f.String(&o.from, "from", "", "REV", "Create delta from revision REV")
	f.Bool(&o.empty, "empty", "", "Create delta from scratch")
	f.Bool(&o.opts.Inline, "inline", "", "Inline delta parts into main delta")
	f.String(&o.to, "to", "", "REV", "Create delta to revision REV")
	f.Bool(&o.noPatches, "disable-bsdiff", "", "Disable use of bsdiff")
	f.Bool(&o.ifMissing, "if-not-exists", "n", "Only generate if a delta does not already exist")
	f.String(&o.endianness, "set-endianness", "", "ENDIAN", "Choose metadata endianness ('l' or 'B')")
	f.Bool(&o.swap, "swap-endianness", "", "Swap metadata endianness from host order")
	f.Func(megabytes(&o.minFallback, &o.hasFallback), "min-fallback-size", "", "MB", "Minimum uncompressed size in megabytes for individual HTTP request")
	f.Func(megabytes(&o.maxPatched, &o.hasPatched), "max-bsdiff-size", "", "MB", "Maximum size in megabytes to consider bsdiff compression for input files")
	f.Func(megabytes(&o.maxPart, &o.hasMaxPart), "max-chunk-size", "", "MB", "Maximum size of delta chunks in megabytes")
	f.String(&o.opts.File, "filename", "", "PATH", "Write the delta to the file PATH, and its parts beside it. If not specified, the OSTree repository is used")
	f.Strings(&o.sign.keys, "sign", "", "KEY_ID", "Sign the delta with")
	f.Strings(&o.sign.files, "keys-file", "", "NAME", "Sign the delta with the keys in a file")
	f.String(&o.sign.engine, "sign-type", "", "NAME", "Signature type to use (defaults to 'ed25519')")
}

// megabytes reads a number of megabytes as the peer does: what is no number
// counts as zero.
func megabytes(bytes *int64, given *bool) func(string) error {
	return func(text string) error {
		end := 0
		for end < len(text) && '0' <= text[end] && text[end] <= '9' {
			end++
		}
		n, err := strconv.ParseInt("0"+text[:end], 10, 64)
		if err != nil || n > 1<<40 {
			return fmt.Errorf("%s is too large", text)
		}
		*bytes, *given = n*1_000_000, true
		return nil
	}
}

func (o *generateOptions) run(ctx context.Context, e *env, args []string) error {
	repo, err := e.openRepo()
	if err != nil {
		return err
	}
	if len(args) > 0 && o.to == "" {
		o.to = args[0]
	}
	name, err := o.revisions(ctx, repo)
	if err != nil {
		return err
	}
	if o.ifMissing {
		exists, err := repo.HasDelta(ctx, name)
		if err != nil {
			return err
		}
		if exists {
			e.printf("Delta %s already exists.\n", name)
			return nil
		}
	}
	if err := o.fill(e); err != nil {
		return err
	}
	from := "empty"
	if !name.From.IsZero() {
		from = name.From.String()
	}
	e.printf("Generating static delta:\n  From: %s\n  To:   %s\n", from, name.To)
	o.opts.Progress = func(p ostree.DeltaProgress) {
		if step := max(p.Total/10, 1); p.Done%step == 0 {
			e.warnf("processing modified files: [%d/%d]\n", p.Done, p.Total)
		}
	}
	report, err := repo.GenerateDelta(ctx, name.From, name.To, o.opts)
	if err != nil {
		return err
	}
	e.reportDelta(report)
	return nil
}

// revisions finds the two commits. Without an option that says where to start it
// is the parent.
func (o *generateOptions) revisions(ctx context.Context, repo *ostree.Repo) (ostree.DeltaName, error) {
	var name ostree.DeltaName
	switch {
	case o.to == "":
		return name, usagef("TO revision must be specified")
	case o.empty && o.from != "":
		return name, errors.New("Cannot specify both --empty and --from=REV")
	case o.from == "" && !o.empty:
		o.from = o.to + "^"
	}
	var err error
	if o.from != "" {
		if name.From, err = repo.Resolve(ctx, o.from); err != nil {
			return name, err
		}
	}
	name.To, err = repo.Resolve(ctx, o.to)
	return name, err
}

// fill turns options of the command line into those of the library, in which
// zero means the default.
func (o *generateOptions) fill(e *env) error {
	switch {
	case o.endianness != "" && o.swap:
		return errors.New("Cannot specify both --swap-endianness and --set-endianness")
	case o.endianness == "B", o.swap:
		o.opts.BigEndian = true
	case o.endianness != "" && o.endianness != "l":
		return fmt.Errorf("Invalid endianness '%s'", o.endianness)
	}
	for _, size := range []struct {
		given bool
		from  int64
		to    *int64
	}{{o.hasFallback, o.minFallback, &o.opts.MinFallback}, {o.hasPatched, o.maxPatched, &o.opts.MaxPatched}} {
		if *size.to = size.from; size.given && size.from == 0 {
			*size.to = -1
		}
	}
	if o.noPatches {
		o.opts.MaxPatched = -1
	}
	if o.hasMaxPart {
		o.opts.MaxPart = max(o.maxPart, 1)
	}
	var err error
	o.opts.Signers, err = o.sign.signers(e)
	return err
}

func (e *env) reportDelta(r *ostree.DeltaReport) {
	e.warnf("modified: %d\n", r.Modified)
	e.warnf("new reachable: metadata=%d content regular=%d symlink=%d\n", r.Metadata, r.Regular, r.Symlinks)
	e.warnf("rollsum for %d/%d modified\n", r.Copied, r.Modified)
	for _, f := range r.Fallbacks {
		e.warnf("fallback for %s (%s)\n", f.Object.Checksum, formatSize(f.Content))
	}
	var stored, content uint64
	for i, p := range r.Parts {
		e.warnf("part %d n:%d compressed:%d uncompressed:%d\n", i+1, p.Objects, p.Size, p.Content)
		stored += p.Size
		content += p.Content
	}
	e.warnf("uncompressed=%d compressed=%d loose=%d\n", content, stored, r.Loose)
	e.warnf("rollsum=%d objects, %d bytes\n", r.Copied, r.CopiedBytes)
	e.warnf("bsdiff=%d objects\n", r.Patched)
}
