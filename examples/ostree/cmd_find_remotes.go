package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func cmdFindRemotes() *command {
	c := &findRemotesCommand{}
	return &command{
		name: "find-remotes", operands: "COLLECTION-ID REF [COLLECTION-ID REF...]", summary: "Find remotes to serve the given refs",
		flags: c.flags, run: c.run,
	}
}

type findRemotesCommand struct {
	find    ostree.FindOptions
	pulling ostree.PullOptions
	finders string
	pull    bool
}

func (c *findRemotesCommand) flags(f *flags) {
	f.String(&c.find.Fetch.CacheDir, "cache-dir", "", "CACHE-DIR", "Use custom cache dir")
	f.Bool(&c.pulling.NoSync, "disable-fsync", "", "Do not invoke fsync()")
	f.String(&c.finders, "finders", "", "FINDERS", "Use the specified comma separated list of finders (config,mount)")
	f.Bool(&c.pull, "pull", "", "Pull the updates after finding them")
	f.Bool(&c.pulling.Mirror, "mirror", "", "Do a mirror pull (see ostree pull --mirror)")
}

func (c *findRemotesCommand) run(ctx context.Context, e *env, args []string) error {
	repo, err := e.openRepo()
	if err != nil {
		return err
	}
	refs, err := collectionRefs(args)
	if err != nil {
		return err
	}
	if c.pulling.Mirror && !c.pull {
		return usagef("When --mirror is specified, --pull must also be")
	}
	if c.finders != "" {
		if c.find.Finders, err = ostree.ParseFinders(c.finders, ","); err != nil {
			return finderError(err)
		}
	}
	c.find.Ignored = func(place string, err error) { e.debugf("Ignoring %s: %v", place, err) }
	found, err := repo.FindRemotes(ctx, refs, c.find)
	if err != nil {
		return finderError(err)
	}
	for i, f := range found {
		e.printFound(i, f)
	}
	if len(found) == 0 {
		e.println("No results.")
		return nil
	}
	e.printNotFound(refs, found)
	if !c.pull {
		return nil
	}
	c.pulling.Fetch = c.find.Fetch
	if err := repo.PullFound(ctx, found, c.pulling); err != nil {
		return notPulled(e, err)
	}
	e.printf("Pulled %d/%d refs successfully.\n", len(refs), len(refs))
	return nil
}

func finderError(err error) error {
	var finder *ostree.FinderError
	switch {
	case !errors.As(err, &finder):
		return err
	case finder.Finder == ostree.FindOnLAN:
		return usagef("LAN repo finder requested but ostree was compiled without Avahi support")
	case finder.Finder == "":
		return usagef("List of finders in --finders option must not be empty")
	}
	return usagef("Unknown or duplicate finder type given in --finders option: ‘%s’", finder.Finder)
}

func notPulled(e *env, err error) error {
	var missing *ostree.NotPulledError
	if !errors.As(err, &missing) {
		return err
	}
	for _, err := range missing.Errs {
		e.debugf("%v", err)
	}
	names := make([]string, len(missing.Refs))
	for i, ref := range missing.Refs {
		names[i] = ref.String()
	}
	return fmt.Errorf("Failed to pull some refs from the remotes: %s", strings.Join(names, ", "))
}

// printFound describes one result.
func (e *env) printFound(i int, f ostree.FoundRemote) {
	kind, modified := "OstreeRepoFinderConfig", "unknown"
	if f.Finder == ostree.FindOnVolumes {
		kind = "OstreeRepoFinderMount"
	}
	if !f.LastModified.IsZero() {
		modified = f.LastModified.UTC().Format("2006-01-02T15:04:05Z")
	}
	e.printf("Result %d: %s\n - Finder: %s\n - Keyring: %s\n - Priority: %d\n - Summary last modified: %s\n - Refs:\n",
		i, f.URL, kind, f.Keyring(), f.Priority(), modified)
	for _, ref := range f.Refs {
		commit := "(not found)"
		if !ref.Commit.IsZero() {
			commit = ref.Commit.String()
		}
		e.printf("    - %s = %s\n", ref.CollectionRef, commit)
	}
	e.println()
}

// printNotFound says how many refs were found and which were not.
func (e *env) printNotFound(refs []ostree.CollectionRef, found []ostree.FoundRemote) {
	somewhere := make(map[ostree.CollectionRef]bool)
	for _, f := range found {
		for _, ref := range f.Refs {
			if !ref.Commit.IsZero() {
				somewhere[ref.CollectionRef] = true
			}
		}
	}
	e.printf("%d/%d refs were found.\n", len(somewhere), len(refs))
	if len(somewhere) == len(refs) {
		return
	}
	e.println("Refs not found in any remote:")
	for _, ref := range refs {
		if !somewhere[ref] {
			e.printf(" - %s\n", ref)
		}
	}
}
