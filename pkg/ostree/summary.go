package ostree

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// Keys of the dictionary of a summary, see "ostree summary" in ostree-summary(1).
const (
	SummaryDeltas        = "ostree.static-deltas"             // a{sv}, see [Summary.Deltas]
	SummaryLastModified  = "ostree.summary.last-modified"     // t, big-endian seconds
	SummaryExpires       = "ostree.summary.expires"           // t, big-endian seconds
	SummaryMode          = "ostree.summary.mode"              // s, such as "archive-z2"
	SummaryTombstones    = "ostree.summary.tombstone-commits" // b
	SummaryIndexedDeltas = "ostree.summary.indexed-deltas"    // b
	SummaryCollectionID  = "ostree.summary.collection-id"     // s
	SummaryCollectionMap = "ostree.summary.collection-map"    // a{sa(s(taya{sv}))}, in Summary.Collections
)

// Keys that each ref of a summary may have.
const (
	SummaryCommitTimestamp = "ostree.commit.timestamp" // t, big-endian seconds
	SummaryCommitVersion   = "ostree.commit.version"   // s
)

// A Summary is the file "summary" of a repository: what its refs name, and what
// else a client should know before it asks for objects. The format is described
// in the page "Repository anatomy" of libostree's manual.
type Summary struct {
	// Refs are the refs of the repository, sorted by name. If the repository has
	// a collection id they are the refs of that collection.
	Refs []SummaryRef
	// Collections are the refs of other collections, sorted by id.
	Collections []SummaryCollection
	// Metadata is the dictionary, without SummaryCollectionMap.
	Metadata Metadata
}

// A SummaryRef is one ref with what is known about its commit.
type SummaryRef struct {
	Ref      string
	Size     uint64 // of the commit object in bytes
	Commit   Checksum
	Metadata Metadata
}

// A SummaryCollection is the refs of one collection, sorted by name.
type SummaryCollection struct {
	ID   string
	Refs []SummaryRef
}

// A SummaryDelta is a static delta that a summary or a delta index lists.
type SummaryDelta struct {
	DeltaName
	Superblock Checksum // SHA-256 of the file "superblock"
}

// Lookup finds a ref among those of the repository itself.
func (s *Summary) Lookup(ref string) (SummaryRef, bool) { return lookupSummaryRef(s.Refs, ref) }

// LookupCollection finds a ref of a collection: that of the repository itself,
// or another one that it mirrors.
func (s *Summary) LookupCollection(id, ref string) (SummaryRef, bool) {
	if id != "" && id == s.CollectionID() {
		return s.Lookup(ref)
	}
	i, ok := slices.BinarySearchFunc(s.Collections, id, func(c SummaryCollection, id string) int {
		return strings.Compare(c.ID, id)
	})
	if !ok {
		return SummaryRef{}, false
	}
	return lookupSummaryRef(s.Collections[i].Refs, ref)
}

func lookupSummaryRef(refs []SummaryRef, ref string) (SummaryRef, bool) {
	i, ok := slices.BinarySearchFunc(refs, ref, func(r SummaryRef, ref string) int { return strings.Compare(r.Ref, ref) })
	if !ok {
		return SummaryRef{}, false
	}
	return refs[i], true
}

// CollectionID returns the collection of Refs, "" if there is none.
func (s *Summary) CollectionID() string { return s.Metadata.Str(SummaryCollectionID) }

// Mode returns the mode of the repository as its configuration names it.
func (s *Summary) Mode() string { return s.Metadata.Str(SummaryMode) }

// LastModified returns when the summary was made, the zero time if it does not say.
func (s *Summary) LastModified() time.Time { return metadataTime(s.Metadata, SummaryLastModified) }

// Expires returns when clients should no longer use the summary, the zero time
// if it does not say.
func (s *Summary) Expires() time.Time { return metadataTime(s.Metadata, SummaryExpires) }

// Tombstones reports whether the repository leaves a mark where a commit was deleted.
func (s *Summary) Tombstones() bool { return s.Metadata.boolean(SummaryTombstones) }

// IndexedDeltas reports whether static deltas are listed in one file per commit,
// below "delta-indexes", so that one that is not in the summary may exist.
func (s *Summary) IndexedDeltas() bool { return s.Metadata.boolean(SummaryIndexedDeltas) }

// Timestamp returns the time of the commit, the zero time if the summary does
// not say.
func (r SummaryRef) Timestamp() time.Time { return metadataTime(r.Metadata, SummaryCommitTimestamp) }

// Version returns the version of the commit, "" if it has none.
func (r SummaryRef) Version() string { return r.Metadata.Str(SummaryCommitVersion) }

// boolean is the value of a key that holds a boolean, false for anything else.
func (m Metadata) boolean(key string) bool {
	v, _ := m.Lookup(key)
	b, err := v.Bool()
	return err == nil && b
}

// metadataTime is the value of a key that holds big-endian seconds. Those that
// no clock will show count as none.
func metadataTime(m Metadata, key string) time.Time {
	v, _ := m.Lookup(key)
	if v.Type() != "t" || len(v.Data()) != 8 {
		return time.Time{}
	}
	seconds := binary.BigEndian.Uint64(v.Data())
	if seconds > maxTimestamp {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// timeValue is the reverse of metadataTime.
func timeValue(t time.Time) gvariant.Value {
	return gvariant.Uint64(binary.LittleEndian.Uint64(binary.BigEndian.AppendUint64(nil, uint64(t.Unix()))))
}

// maxTimestamp is the most seconds that are read as a time.
const maxTimestamp = 1 << 60
