package ostree

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Finder is a way to find out who has refs of collections.
type Finder string

const (
	// FindInConfig asks the remotes of the configuration that have a collection.
	FindInConfig Finder = "config"
	// FindOnVolumes looks at mounted volumes, such as USB sticks that
	// [Repo.CreateUSB] has written.
	FindOnVolumes Finder = "mount"
	// FindOnLAN asks the neighbours on the network. This package cannot do that;
	// asking for it is a [*FinderError].
	FindOnLAN Finder = "lan"
)

// ParseFinders reads a list of finders as in core.default-repo-finders, with the
// given separator. Each must exist and occur once.
func ParseFinders(list, separator string) ([]Finder, error) {
	var finders []Finder
	for name := range strings.SplitSeq(strings.TrimSuffix(list, separator), separator) {
		f := Finder(name)
		if f != FindInConfig && f != FindOnVolumes && f != FindOnLAN || slices.Contains(finders, f) {
			return nil, &FinderError{Finder: f}
		}
		finders = append(finders, f)
	}
	return finders, nil
}

// A FinderError says that refs cannot be looked for in a way.
type FinderError struct{ Finder Finder }

// Error implements error.
func (e *FinderError) Error() string {
	if e.Finder == FindOnLAN {
		return `finder "lan" needs service discovery on the network, which is not supported; use "config" or "mount"`
	}
	return fmt.Sprintf(`finder %q is unknown or given twice; there are "config" and "mount"`, e.Finder)
}

// FindOptions are the options of [Repo.FindRemotes]. The zero value is useful.
type FindOptions struct {
	// Finders are the ways to look. Nil means those of core.default-repo-finders,
	// and if that is not set, all that work.
	Finders []Finder
	// Volumes are directories where volumes are mounted. Nil means those of the
	// machine, see [Volumes].
	Volumes []string
	// Fetch is how summaries of remotes are fetched.
	Fetch FetchOptions
	// Ignored, if set, is told why a remote or a repository on a volume is not
	// among the results.
	Ignored func(place string, err error)
}

// A FoundRemote is a place that has current commits of refs.
type FoundRemote struct {
	Finder Finder
	URL    string
	// Remote is the configured remote whose keys verify the commits, and below
	// whose name refs are written.
	Remote string
	// Refs are all refs that were asked for. Commit is zero for one that this
	// place does not have, or has in an older version than another place.
	Refs []FoundRef
	// LastModified is that of the summary, zero if it is not known.
	LastModified time.Time

	volume string // where the repository lies on a volume, else ""
}

// A FoundRef is a ref with its commit at one place.
type FoundRef struct {
	CollectionRef
	Commit    Checksum
	Timestamp time.Time // of the commit, as the place claims
}

// Keyring returns the name of the file with the keys that verify commits.
func (f *FoundRemote) Keyring() string { return keyringName(f.Remote) }

// Priority tells how good a place is by the way it was found; less is better. A
// volume is nearer than a server.
func (f *FoundRemote) Priority() int {
	if f.Finder == FindOnVolumes {
		return 50
	}
	return 100
}

// FindRemotes finds out who has the newest commits of refs, for [Repo.PullFound].
// A ref that nobody has is in no result with a commit. What places claim about
// their commits is not verified before something is pulled. The best place comes
// first: volumes before servers, then those with more refs.
//
// A ref counts only if a remote of the configuration belongs to its collection,
// because nothing else says whose keys to trust.
func (r *Repo) FindRemotes(ctx context.Context, refs []CollectionRef, opts FindOptions) ([]FoundRemote, error) {
	finders, err := r.finders(opts)
	if err != nil {
		return nil, fmt.Errorf("find remotes: %w", err)
	}
	if opts.Ignored == nil {
		opts.Ignored = func(string, error) {}
	}
	var found []FoundRemote
	for _, finder := range finders {
		var more []FoundRemote
		switch finder {
		case FindInConfig:
			more, err = r.findInConfig(ctx, refs, opts)
		case FindOnVolumes:
			more, err = r.findOnVolumes(ctx, refs, opts)
		default:
			err = &FinderError{Finder: finder}
		}
		if err != nil {
			return nil, fmt.Errorf("find remotes: %w", err)
		}
		found = append(found, more...)
	}
	return currentOnly(found), nil
}

func (r *Repo) finders(opts FindOptions) ([]Finder, error) {
	if opts.Finders != nil {
		return opts.Finders, nil
	}
	if list, ok := r.ConfigValue("core", "default-repo-finders"); ok {
		return ParseFinders(list, ";")
	}
	return []Finder{FindInConfig, FindOnVolumes}, nil
}

// currentOnly leaves each place the refs of which no other has a newer commit,
// drops those that have none left, and sorts the others.
func currentOnly(found []FoundRemote) []FoundRemote {
	newest := make(map[CollectionRef]FoundRef)
	for _, f := range found {
		for _, ref := range f.Refs {
			best, ok := newest[ref.CollectionRef]
			if !ref.Commit.IsZero() && (!ok || ref.Timestamp.After(best.Timestamp)) {
				newest[ref.CollectionRef] = ref
			}
		}
	}
	for i := range found {
		for j := range found[i].Refs {
			ref := &found[i].Refs[j]
			if ref.Commit != newest[ref.CollectionRef].Commit {
				*ref = FoundRef{CollectionRef: ref.CollectionRef}
			}
		}
	}
	found = slices.DeleteFunc(found, func(f FoundRemote) bool { return f.count() == 0 })
	slices.SortStableFunc(found, func(a, b FoundRemote) int {
		return cmp.Or(
			cmp.Compare(a.Priority(), b.Priority()),
			cmp.Compare(b.count(), a.count()),
			cmp.Compare(a.Remote, b.Remote),
			cmp.Compare(a.URL, b.URL),
		)
	})
	return found
}

// count is how many refs the place has.
func (f *FoundRemote) count() int {
	n := 0
	for _, ref := range f.Refs {
		if !ref.Commit.IsZero() {
			n++
		}
	}
	return n
}

// findInConfig asks the remotes that belong to a collection for their summaries.
func (r *Repo) findInConfig(ctx context.Context, refs []CollectionRef, opts FindOptions) ([]FoundRemote, error) {
	var found []FoundRemote
	for _, name := range r.Remotes() {
		remote, err := r.Remote(name)
		if err != nil || remote.CollectionID == "" || !slices.ContainsFunc(refs, func(c CollectionRef) bool { return c.Collection == remote.CollectionID }) {
			continue
		}
		summary, err := r.FetchSummary(ctx, name, opts.Fetch)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil && summary.Summary == nil {
			err = errors.New("it has no summary")
		}
		if err != nil {
			opts.Ignored(name, err)
			continue
		}
		f := FoundRemote{Finder: FindInConfig, URL: remote.URL, Remote: name, LastModified: summary.Summary.LastModified()}
		for _, ref := range refs {
			found := FoundRef{CollectionRef: ref}
			// Other collections that it mirrors may be older, and need other keys.
			if entry, ok := summary.Summary.LookupCollection(ref.Collection, ref.Ref); ok && ref.Collection == remote.CollectionID {
				found.Commit, found.Timestamp = entry.Commit, entry.Timestamp()
			}
			f.Refs = append(f.Refs, found)
		}
		found = append(found, f)
	}
	return found, nil
}

// keyRemote returns the remote whose keys verify commits of a collection.
func (r *Repo) keyRemote(collection string) (string, bool) {
	for _, name := range r.Remotes() {
		if remote, err := r.Remote(name); err == nil && remote.CollectionID == collection {
			return name, true
		}
	}
	return "", false
}
