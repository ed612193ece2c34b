package ostree

import (
	"fmt"
	"slices"
	"strings"
)

// A BindingError says that a commit does not want to be what a ref names: its
// metadata bind it to other refs or to another collection, or do not say so
// where they must. One of Missing, Bound and BoundCollection tells why.
type BindingError struct {
	// Collection and Ref are the ref that names the commit; Collection is empty
	// for a ref of no collection.
	Collection, Ref string
	// Missing is a key of the metadata that a commit of a collection must have.
	Missing string
	// Bound are the refs that ostree.ref-binding lists, if Ref is not among them.
	Bound []string
	// BoundCollection is the value of ostree.collection-binding if it is not
	// Collection.
	BoundCollection string
}

// Error implements error.
func (e *BindingError) Error() string {
	switch {
	case e.Missing != "":
		return fmt.Sprintf("not bound to ref %s of collection %s: the commit has no %s", e.Ref, e.Collection, e.Missing)
	case e.BoundCollection != "":
		return fmt.Sprintf("bound to the collection %q, not to %q of ref %s", e.BoundCollection, e.Collection, e.Ref)
	}
	return fmt.Sprintf("bound to the refs %q, not to %q", strings.Join(e.Bound, ", "), e.Ref)
}

// CheckBindings tells whether a commit may be what a ref names, by the metadata
// ostree.ref-binding and ostree.collection-binding. A commit without a binding may
// be anything, except that a ref of a collection needs both. The collection is
// empty for a ref of none, and the ref is empty for a commit that was asked for by
// its checksum. If not, the error is a [*BindingError].
func (c *Commit) CheckBindings(collection, ref string) error {
	refs, ok := c.refBinding()
	switch {
	case !ok && collection != "":
		return &BindingError{Collection: collection, Ref: ref, Missing: MetadataRefBinding}
	case ok && ref != "" && !slices.Contains(refs, ref):
		return &BindingError{Collection: collection, Ref: ref, Bound: refs}
	case collection == "":
		return nil
	}
	bound := c.Metadata.Str(MetadataCollectionBinding)
	switch bound {
	case "":
		return &BindingError{Collection: collection, Ref: ref, Missing: MetadataCollectionBinding}
	case collection:
		return nil
	}
	return &BindingError{Collection: collection, Ref: ref, BoundCollection: bound}
}

// refBinding returns the refs that the commit is bound to, if it says so.
func (c *Commit) refBinding() ([]string, bool) {
	value, ok := c.Metadata.Lookup(MetadataRefBinding)
	if !ok {
		return nil, false
	}
	refs, err := value.Strings()
	return refs, err == nil
}
