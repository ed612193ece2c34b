package ostree

import (
	"context"
	"fmt"
	"strings"
)

// A CollectionRef is a ref within a collection: a set of refs, of one publisher,
// that means the same in every repository that has a copy of it.
type CollectionRef struct{ Collection, Ref string }

// String returns "(COLLECTION, REF)".
func (c CollectionRef) String() string { return "(" + c.Collection + ", " + c.Ref + ")" }

// ValidateCollectionID checks the form of a collection's name: at least two
// elements of letters, digits and underscores, with dots between them, which do
// not begin with a digit, and at most 255 bytes. It is that of a D-Bus interface.
func ValidateCollectionID(id string) error {
	elements := strings.Split(id, ".")
	valid := len(id) <= 255 && len(elements) > 1
	for _, element := range elements {
		valid = valid && isCollectionElement(element)
	}
	if !valid {
		return &CollectionIDError{ID: id}
	}
	return nil
}

func isCollectionElement(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// A CollectionIDError says that a string cannot name a collection.
type CollectionIDError struct{ ID string }

// Error implements error.
func (e *CollectionIDError) Error() string {
	return fmt.Sprintf("%q cannot name a collection; it must be like org.example.OS", e.ID)
}

// CollectionID returns the collection that the local refs are in, or "".
func (r *Repo) CollectionID() string { return r.settings.collection }

// CollectionRefsOptions say which refs [Repo.CollectionRefs] lists.
type CollectionRefsOptions struct {
	// NoRemotes leaves out refs of remotes that have a collection.
	NoRemotes bool
	// NoMirrors leaves out copies of other collections.
	NoMirrors bool
}

// CollectionRefs lists the refs that are in a collection, or in any if it is
// empty: local refs, if the repository has a collection; copies of other
// collections; and refs of remotes that have one. Of several for one
// collection and ref, the one that comes first in this order counts.
func (r *Repo) CollectionRefs(ctx context.Context, collection string, o CollectionRefsOptions) (map[CollectionRef]Checksum, error) {
	files, err := r.refFiles(ctx)
	if err != nil {
		return nil, fmt.Errorf("collection refs of repository %s: %w", r.path, err)
	}
	refs := make(map[CollectionRef]Checksum)
	add := func(top string, find func(path string) (CollectionRef, bool)) {
		for path, c := range files {
			rest, ok := strings.CutPrefix(path, top+"/")
			if !ok {
				continue
			}
			ref, ok := find(rest)
			if _, have := refs[ref]; ok && !have && (collection == "" || ref.Collection == collection) {
				refs[ref] = c
			}
		}
	}
	if r.settings.collection != "" {
		add("heads", func(path string) (CollectionRef, bool) { return CollectionRef{r.settings.collection, path}, true })
	}
	if !o.NoMirrors {
		add("mirrors", func(path string) (CollectionRef, bool) {
			id, ref, ok := strings.Cut(path, "/")
			return CollectionRef{id, ref}, ok && ValidateCollectionID(id) == nil
		})
	}
	if !o.NoRemotes {
		add("remotes", func(path string) (CollectionRef, bool) {
			remote, ref, _ := strings.Cut(path, "/")
			id, ok := r.remoteOption(remote, "collection-id")
			return CollectionRef{id, ref}, ok && id != ""
		})
	}
	return refs, nil
}

// ResolveCollectionRef finds the commit of a ref in a collection, like
// [Repo.CollectionRefs]. One that does not exist gives a [*RefNotFoundError].
func (r *Repo) ResolveCollectionRef(ctx context.Context, ref CollectionRef) (Checksum, error) {
	refs, err := r.CollectionRefs(ctx, ref.Collection, CollectionRefsOptions{})
	if err != nil {
		return Checksum{}, err
	}
	if c, ok := refs[ref]; ok {
		return c, nil
	}
	return Checksum{}, &RefNotFoundError{Rev: ref.String(), Path: r.path}
}

// SetCollectionRef is like [Writer.SetRef] for a ref in a collection. In the
// collection of the repository itself that is a local ref.
func (w *Writer) SetCollectionRef(ref CollectionRef, c Checksum) error {
	path, err := w.repo.collectionPath(ref)
	if err != nil {
		return err
	}
	return w.setRef(path, refChange{commit: c})
}

// DeleteCollectionRef is like [Writer.DeleteRef] for a ref in a collection.
func (w *Writer) DeleteCollectionRef(ref CollectionRef) error {
	path, err := w.repo.collectionPath(ref)
	if err != nil {
		return err
	}
	return w.deleteRef(path)
}

// collectionPath is where the ref lies below the directory refs.
func (r *Repo) collectionPath(ref CollectionRef) (string, error) {
	if err := ValidateCollectionID(ref.Collection); err != nil {
		return "", err
	}
	if err := (Refspec{Ref: ref.Ref}).check(); err != nil {
		return "", err
	}
	if ref.Collection == r.settings.collection {
		return "heads/" + ref.Ref, nil
	}
	return "mirrors/" + ref.Collection + "/" + ref.Ref, nil
}
