package main

import (
	"context"
	"path"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// diffOptions are the options of diff.
type diffOptions struct {
	stats, fsDiff, noXattrs bool
	uid, gid                int
}

func cmdDiff() *command {
	o := diffOptions{uid: -1, gid: -1}
	return &command{
		name: "diff", operands: "REV_OR_DIR REV_OR_DIR", summary: "Compare directory TARGETDIR against revision REV",
		flags: func(f *flags) {
			f.Bool(&o.stats, "stats", "", "Print various statistics")
			f.Bool(&o.fsDiff, "fs-diff", "", "Print filesystem diff")
			f.Bool(&o.noXattrs, "no-xattrs", "", "Skip output of extended attributes")
			f.Int(&o.uid, "owner-uid", "", "UID", "Use file ownership user id for local files")
			f.Int(&o.gid, "owner-gid", "", "GID", "Use file ownership group id for local files")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			var from, to string
			switch len(args) {
			case 0:
				return usagef("REV must be specified")
			case 1:
				from, to = args[0]+"^", args[0]
			default:
				from, to = args[0], args[1]
			}
			if !o.stats || o.fsDiff {
				if err := o.print(ctx, e, repo, from, to); err != nil {
					return err
				}
			}
			if o.stats {
				return printStats(ctx, e, repo, from, to)
			}
			return nil
		},
	}
}

// print lists what is modified, then what is removed, then what is added. A
// path of a directory on disk has no slash in front.
func (o *diffOptions) print(ctx context.Context, e *env, repo *ostree.Repo, from, to string) error {
	a, err := diffSide(ctx, repo, from)
	if err != nil {
		return err
	}
	b, err := diffSide(ctx, repo, to)
	if err != nil {
		return err
	}
	entries, err := repo.DiffSides(ctx, a, b, o.hashOptions())
	if err != nil {
		return err
	}
	for _, kind := range []ostree.DiffKind{ostree.Modified, ostree.Removed, ostree.Added} {
		side := a
		if kind == ostree.Added {
			side = b
		}
		for _, entry := range shown(entries, kind) {
			name := entry.Path
			if side.Dir != "" {
				name = strings.TrimPrefix(name, "/")
			}
			e.printf("%s    %s\n", kind, name)
		}
	}
	return nil
}

// shown selects entries of a kind. Removed directories stand for what was in
// them, and the root is not an entry.
func shown(entries []ostree.DiffEntry, kind ostree.DiffKind) []ostree.DiffEntry {
	removed := make(map[string]bool)
	var list []ostree.DiffEntry
	for _, entry := range entries {
		if entry.Kind != kind || entry.Path == "/" {
			continue
		}
		if kind == ostree.Removed {
			removed[entry.Path] = true
			if removed[path.Dir(entry.Path)] {
				continue
			}
		}
		list = append(list, entry)
	}
	return list
}

// diffSide takes what begins with a slash or "./" for a directory.
func diffSide(ctx context.Context, repo *ostree.Repo, arg string) (ostree.DiffSide, error) {
	if strings.HasPrefix(arg, "/") || strings.HasPrefix(arg, "./") {
		return ostree.DiffSide{Dir: arg}, nil
	}
	c, err := repo.Resolve(ctx, arg)
	if err != nil {
		return ostree.DiffSide{}, err
	}
	commit, err := repo.LoadCommit(ctx, c)
	if err != nil {
		return ostree.DiffSide{}, err
	}
	return ostree.DiffSide{Tree: commit.Tree}, nil
}

func (o *diffOptions) hashOptions() ostree.HashOptions {
	h := ostree.HashOptions{NoXattrs: o.noXattrs}
	for value, field := range map[*int]**uint32{&o.uid: &h.UID, &o.gid: &h.GID} {
		if *value >= 0 {
			id := uint32(*value)
			*field = &id
		}
	}
	return h
}

func printStats(ctx context.Context, e *env, repo *ostree.Repo, from, to string) error {
	var objects [2]map[ostree.ObjectName]bool
	for i, rev := range []string{from, to} {
		c, err := repo.Resolve(ctx, rev)
		if err != nil {
			return err
		}
		if objects[i], err = repo.Reachable(ctx, 0, c); err != nil {
			return err
		}
	}
	common, size := 0, uint64(0)
	for name := range objects[0] {
		if !objects[1][name] {
			continue
		}
		n, err := repo.StorageSize(ctx, name)
		if err != nil {
			return err
		}
		common++
		size += n
	}
	e.printf("[A] Object Count: %d\n[B] Object Count: %d\n", len(objects[0]), len(objects[1]))
	e.printf("Common Object Count: %d\nCommon Object Size: %s\n", common, formatSize(size))
	return nil
}
