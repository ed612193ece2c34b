package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// refsOptions are the options of refs.
type refsOptions struct {
	del, list, revision, alias, collections, force bool

	create string
}

func cmdRefs() *command {
	var o refsOptions
	return &command{
		name: "refs", operands: "[PREFIX]", summary: "List refs",
		flags: func(f *flags) {
			f.Bool(&o.del, "delete", "", "Delete refs which match PREFIX, rather than listing them")
			f.Bool(&o.list, "list", "", "Do not remove the prefix from the refs")
			f.Bool(&o.revision, "revision", "r", "Show revisions in listing")
			f.Bool(&o.alias, "alias", "A", "If used with --create, create an alias, otherwise just list aliases")
			f.String(&o.create, "create", "", "NEWREF", "Create a new ref for an existing commit")
			f.Bool(&o.collections, "collections", "c", "Enable listing collection IDs for refs")
			f.Bool(&o.force, "force", "", "Overwrite existing refs when creating")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			if o.del && len(args) == 0 {
				return usagef("At least one PREFIX is required when deleting refs")
			}
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			switch {
			case o.create != "":
				return createRef(ctx, repo, &o, args)
			case len(args) == 0:
				args = []string{""}
			}
			for _, prefix := range args {
				if err := o.each(ctx, e, repo, prefix); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// each lists or deletes what one prefix selects.
func (o *refsOptions) each(ctx context.Context, e *env, repo *ostree.Repo, prefix string) error {
	switch {
	case o.collections:
		return o.eachCollection(ctx, e, repo, prefix)
	case o.alias && !o.del:
		return listAliases(ctx, e, repo, prefix)
	}
	if err := checkPrefix(prefix); err != nil {
		return err
	}
	refs, err := repo.Refs(ctx, prefix)
	if err != nil {
		return listingRefs(err)
	}
	if o.del {
		return repo.Update(ctx, func(w *ostree.Writer) error {
			for ref := range refs {
				if err := w.DeleteRef(ref); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for _, ref := range slices.SortedFunc(maps.Keys(refs), compareRefspecs) {
		name := ref.String()
		if !o.list {
			name = withoutPrefix(ref, prefix)
		}
		o.print(e, name, refs[ref])
	}
	return nil
}

// checkPrefix permits a refspec, and "REMOTE:" and "REMOTE:." for all refs of a
// remote.
func checkPrefix(prefix string) error {
	name := strings.TrimSuffix(strings.TrimSuffix(prefix, "."), ":")
	if _, err := ostree.ParseRefspec(name); err != nil && prefix != "" {
		return fmt.Errorf("Listing refs: Invalid refspec %s", prefix)
	}
	return nil
}

// listingRefs is the peer's text for a repository without a directory of refs.
func listingRefs(err error) error {
	var missing *fs.PathError
	if errors.As(err, &missing) && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("Listing refs: opendir(%s): No such file or directory", missing.Path)
	}
	return err
}

func compareRefspecs(a, b ostree.Refspec) int { return strings.Compare(a.String(), b.String()) }

// withoutPrefix cuts the directory that was asked for; a ref that was asked for
// by its whole name stays.
func withoutPrefix(ref ostree.Refspec, prefix string) string {
	_, dir, qualified := strings.Cut(prefix, ":")
	if !qualified {
		dir = prefix
	}
	if dir != "" && dir != "." && ref.Ref != dir {
		ref.Ref = strings.TrimPrefix(strings.TrimPrefix(ref.Ref, strings.TrimSuffix(dir, "/")), "/")
	}
	return ref.String()
}

func (o *refsOptions) print(e *env, name string, c ostree.Checksum) {
	if o.revision {
		e.printf("%s\t%s\n", name, c)
	} else {
		e.println(name)
	}
}

func listAliases(ctx context.Context, e *env, repo *ostree.Repo, prefix string) error {
	aliases, err := repo.Aliases(ctx, prefix)
	if err != nil {
		return err
	}
	for _, alias := range slices.SortedFunc(maps.Keys(aliases), compareRefspecs) {
		e.printf("%s -> %s\n", alias, aliases[alias])
	}
	return nil
}

// eachCollection takes the prefix for the name of a collection. Only copies and
// local refs can be deleted, those of remotes belong to them.
func (o *refsOptions) eachCollection(ctx context.Context, e *env, repo *ostree.Repo, collection string) error {
	if collection != "" {
		if err := ostree.ValidateCollectionID(collection); err != nil {
			return err
		}
	}
	refs, err := repo.CollectionRefs(ctx, collection, ostree.CollectionRefsOptions{NoRemotes: o.del})
	if err != nil {
		return err
	}
	if o.del {
		return repo.Update(ctx, func(w *ostree.Writer) error {
			for ref := range refs {
				if err := w.DeleteCollectionRef(ref); err != nil {
					return err
				}
			}
			return nil
		})
	}
	byName := func(a, b ostree.CollectionRef) int { return strings.Compare(a.String(), b.String()) }
	for _, ref := range slices.SortedFunc(maps.Keys(refs), byName) {
		o.print(e, ref.String(), refs[ref])
	}
	return nil
}

func createRef(ctx context.Context, repo *ostree.Repo, o *refsOptions, args []string) error {
	switch {
	case o.del || o.list:
		return usagef("Cannot use --create with --delete or --list")
	case len(args) == 0:
		return usagef("You must specify a revision when creating a new ref")
	case len(args) > 1:
		return errors.New("You must specify only 1 existing ref when creating a new ref")
	case o.collections:
		return createCollectionRef(ctx, repo, o, args[0])
	}
	ref, err := ostree.ParseRefspec(o.create)
	if err != nil {
		return err
	}
	if o.alias {
		return createAlias(ctx, repo, ref, args[0])
	}
	if err := o.checkNew(ctx, repo, ref); err != nil {
		return err
	}
	c, err := repo.Resolve(ctx, args[0])
	if err != nil {
		return err
	}
	return repo.Update(ctx, func(w *ostree.Writer) error { return w.SetRef(ref, c) })
}

// checkNew refuses a ref that exists, unless --force is given.
func (o *refsOptions) checkNew(ctx context.Context, repo *ostree.Repo, ref ostree.Refspec) error {
	if o.force {
		return nil
	}
	refs, err := repo.Refs(ctx, ref.String())
	if err != nil {
		return err
	}
	if _, exists := refs[ref]; exists {
		return fmt.Errorf("--create specified but ref %s already exists", ref)
	}
	return nil
}

// createAlias may replace another alias.
func createAlias(ctx context.Context, repo *ostree.Repo, alias ostree.Refspec, name string) error {
	target, err := ostree.ParseRefspec(name)
	if err != nil {
		return err
	}
	return repo.Update(ctx, func(w *ostree.Writer) error { return w.SetAlias(alias, target) })
}

// createCollectionRef replaces a ref that exists, with and without --force, as
// libostree does.
func createCollectionRef(ctx context.Context, repo *ostree.Repo, o *refsOptions, rev string) error {
	id, name, ok := strings.Cut(o.create, ":")
	if !ok {
		return fmt.Errorf("Invalid refspec '%s': COLLECTION-ID:REF is needed with --collections", o.create)
	}
	ref := ostree.CollectionRef{Collection: id, Ref: name}
	c, err := repo.Resolve(ctx, rev)
	if err != nil {
		return err
	}
	return repo.Update(ctx, func(w *ostree.Writer) error { return w.SetCollectionRef(ref, c) })
}
