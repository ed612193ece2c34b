package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// commitTreeFlags are the options of commit about what is committed.
type commitTreeFlags struct {
	base               string
	trees              []string
	uid, gid           int
	linkSpeedup        bool
	statOverride, skip string
	opts               ostree.AddOptions
	tar                ostree.ArchiveOptions
	selinux            selinuxFlags
}

func (o *commitTreeFlags) add(f *flags) {
	o.uid, o.gid = -1, -1
	f.String(&o.base, "base", "", "REV", "Start from the given commit as a base (no modifiers apply)")
	f.Strings(&o.trees, "tree", "", "dir=PATH or tar=TARFILE or ref=COMMIT or prefix=PATH", "Overlay the given argument as a tree")
	f.Int(&o.uid, "owner-uid", "", "UID", "Set file ownership user id")
	f.Int(&o.gid, "owner-gid", "", "GID", "Set file ownership group id")
	f.Bool(&o.opts.CanonicalPermissions, "canonical-permissions", "", "Canonicalize permissions in the same way bare-user does for hardlinked files")
	f.Bool(&o.opts.ReadOnlyExecutables, "mode-ro-executables", "", "Ensure executable files are not writable")
	f.Bool(&o.opts.NoXattrs, "no-xattrs", "", "Do not import extended attributes")
	o.selinux.add(f)
	f.Bool(&o.linkSpeedup, "link-checkout-speedup", "", "Optimize for commits of trees composed of hardlinks into the repository")
	f.Bool(&o.opts.TrustDevIno, "devino-canonical", "I", "Assume hardlinked objects are unmodified.  Implies --link-checkout-speedup")
	f.Bool(&o.tar.AutocreateParents, "tar-autocreate-parents", "", "When loading tar archives, automatically create parent directories as needed")
	f.Func(o.setPathnameFilter, "tar-pathname-filter", "", "REGEX,REPLACEMENT", "When loading tar archives, use REGEX,REPLACEMENT against path names")
	f.String(&o.statOverride, "statoverride", "", "PATH", "File containing list of modifications to make to permissions")
	f.String(&o.skip, "skip-list", "", "PATH", "File containing list of files to skip")
	f.Bool(&o.opts.Consume, "consume", "", "Consume (delete) content after commit (for local directories)")
}

func (o *commitTreeFlags) setPathnameFilter(text string) error {
	var err error
	o.tar.Rename, err = ostree.ParseRename(text)
	return err
}

// prepare reads the files that options name.
func (o *commitTreeFlags) prepare(ctx context.Context, repo *ostree.Repo, args []string) error {
	if len(o.trees) == 0 {
		dir := "."
		if len(args) > 0 {
			dir = args[0]
		}
		o.trees = []string{"dir=" + dir}
	}
	switch {
	case o.opts.CanonicalPermissions && o.uid > 0:
		return errors.New("Cannot specify both --canonical-permissions and non-zero --owner-uid")
	case o.opts.CanonicalPermissions && o.gid > 0:
		return errors.New("Cannot specify both --canonical-permissions and non-zero --owner-gid")
	}
	if err := o.selinux.check(); err != nil {
		return err
	}
	o.opts.RefuseReplace = true
	if o.uid >= 0 {
		o.opts.UID = new(uint32(o.uid))
	}
	if o.gid >= 0 {
		o.opts.GID = new(uint32(o.gid))
	}
	var err error
	if o.opts.StatOverrides, err = readList(o.statOverride, ostree.ParseStatOverrides); err != nil {
		return err
	}
	if o.opts.SkipList, err = readList(o.skip, ostree.ParseSkipList); err != nil {
		return err
	}
	if o.opts.Labels, err = o.selinux.fromRoot(); err != nil {
		return err
	}
	if !o.linkSpeedup && !o.opts.TrustDevIno {
		return nil
	}
	o.opts.DevIno = &ostree.DevInoCache{}
	return repo.ScanInodes(ctx, o.opts.DevIno)
}

func readList[T any](path string, parse func(io.Reader) (*T, error)) (*T, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("openat(%s): %w", path, osReason(err))
	}
	defer f.Close()
	return parse(f)
}

// build puts the tree together.
func (o *commitTreeFlags) build(ctx context.Context, e *env, repo *ostree.Repo, w *ostree.Writer) (*ostree.Tree, error) {
	dir := ostree.DirMeta{Mode: 0o40755}
	if o.opts.UID != nil {
		dir.UID = *o.opts.UID
	}
	if o.opts.GID != nil {
		dir.GID = *o.opts.GID
	}
	tree := ostree.NewTree(dir)
	if o.base != "" {
		var err error
		if tree, err = loadTree(ctx, repo, w, o.base); err != nil {
			return nil, err
		}
		if err := o.labelFromBase(func() (ostree.Labeler, error) { return o.selinux.fromCommit(ctx, repo, o.base) }); err != nil {
			return nil, err
		}
	}
	at := "/"
	for _, spec := range o.trees {
		kind, value, ok := strings.Cut(spec, "=")
		if !ok {
			return nil, fmt.Errorf("Missing type in tree specification '%s'", spec)
		}
		err := o.labelFromBase(func() (ostree.Labeler, error) { return o.selinux.fromFirst(ctx, repo, kind, value) })
		if err != nil {
			return nil, err
		}
		switch kind {
		case "dir":
			err = w.AddDirectory(ctx, tree, at, value, o.opts)
		case "tar":
			err = o.addTar(ctx, e, w, tree, at, value)
		case "ref":
			err = o.addRef(ctx, repo, w, tree, at, value)
		case "prefix":
			at = value
			err = tree.MkdirAll(at, dir)
		default:
			err = fmt.Errorf("Invalid tree type specification '%s'", kind)
		}
		if err != nil {
			return nil, err
		}
	}
	return tree, o.checkLists(e)
}

// labelFromBase sets the labels of --selinux-policy-from-base, the first time.
func (o *commitTreeFlags) labelFromBase(read func() (ostree.Labeler, error)) (err error) {
	if o.selinux.fromBase {
		o.selinux.fromBase = false
		o.opts.Labels, err = read()
	}
	return err
}

func (o *commitTreeFlags) addTar(ctx context.Context, e *env, w *ostree.Writer, tree *ostree.Tree, at, file string) error {
	in := e.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			if full, absErr := filepath.Abs(file); absErr == nil {
				file = full
			}
			return fmt.Errorf("archive_read_open_filename: Failed to open '%s'", file)
		}
		defer f.Close()
		in = f
	}
	opts := o.tar
	opts.AddOptions = o.opts
	return w.AddArchive(ctx, tree, at, in, opts)
}

func (o *commitTreeFlags) addRef(ctx context.Context, repo *ostree.Repo, w *ostree.Writer, tree *ostree.Tree, at, rev string) error {
	from, err := loadTree(ctx, repo, w, rev)
	if err != nil {
		return err
	}
	return w.AddTree(ctx, tree, at, from, o.opts)
}

func loadTree(ctx context.Context, repo *ostree.Repo, w *ostree.Writer, rev string) (*ostree.Tree, error) {
	c, err := repo.Resolve(ctx, rev)
	if err != nil {
		return nil, err
	}
	commit, err := w.LoadCommit(ctx, c)
	if err != nil {
		return nil, err
	}
	return w.LoadTree(ctx, commit.Tree)
}

// checkLists makes it an error when what a list names was not there.
func (o *commitTreeFlags) checkLists(e *env) error {
	for _, list := range []struct {
		name  string
		paths []string
	}{{"statoverride", o.opts.StatOverrides.Unmatched()}, {"skip-list", o.opts.SkipList.Unmatched()}} {
		for _, path := range list.paths {
			e.warnf("Unmatched %s path: %s\n", list.name, path)
		}
		if len(list.paths) > 0 {
			return fmt.Errorf("Unmatched %s paths", list.name)
		}
	}
	return nil
}
