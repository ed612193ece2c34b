package ostree

import (
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// SummaryType is the GVariant type of a summary: refs and a dictionary.
const SummaryType = "(" + summaryRefsType + "a{sv})"

const (
	summaryRefsType       = "a(s(taya{sv}))"
	summaryCollectionType = "a{sa(s(taya{sv}))}"
)

// ParseSummary reads a summary. It accepts only what clients can rely on: normal
// form, refs and collections with valid names, in order and each once. Nothing
// it returns refers to more memory than the data have.
func ParseSummary(data []byte) (*Summary, error) {
	s, err := parseSummary(data)
	return s, corrupt("summary", err)
}

func parseSummary(data []byte) (*Summary, error) {
	if len(data) > maxMetadataSize {
		return nil, fmt.Errorf("%d bytes are more than the limit of %d", len(data), maxMetadataSize)
	}
	v, err := gvariant.Parse(SummaryType, data)
	if err != nil {
		return nil, err
	}
	s := &Summary{}
	refs, err := v.At(0)
	if err != nil {
		return nil, err
	}
	if s.Refs, err = decodeSummaryRefs(refs); err != nil {
		return nil, err
	}
	dict, err := v.At(1)
	if err != nil {
		return nil, err
	}
	if s.Metadata, err = decodeMetadata(dict); err != nil {
		return nil, err
	}
	if err := s.Metadata.check(); err != nil {
		return nil, err
	}
	return s, s.takeCollections()
}

func decodeSummaryRefs(list gvariant.Value) ([]SummaryRef, error) {
	refs := make([]SummaryRef, list.Len())
	for i, entry := range list.Children() {
		if err := decodeSummaryRef(entry, &refs[i]); err != nil {
			return nil, err
		}
	}
	return refs, checkSummaryRefs(refs)
}

func decodeSummaryRef(entry gvariant.Value, r *SummaryRef) error {
	var err error
	if r.Ref, err = stringAt(entry, 0); err != nil {
		return err
	}
	about, err := entry.At(1)
	if err != nil {
		return err
	}
	size, err := about.At(0)
	if err != nil {
		return err
	}
	if r.Size, err = size.Uint64(); err != nil {
		return err
	}
	if r.Commit, err = checksumAt(about, 1); err != nil {
		return fmt.Errorf("ref %q: %w", r.Ref, err)
	}
	metadata, err := about.At(2)
	if err != nil {
		return err
	}
	r.Metadata, err = decodeMetadata(metadata)
	return err
}

func checkSummaryRefs(refs []SummaryRef) error {
	for i := range refs {
		r := &refs[i]
		if !isRef(r.Ref) || isChecksum(r.Ref) {
			return fmt.Errorf("%q is not the name of a ref", r.Ref)
		}
		if i > 0 && refs[i-1].Ref >= r.Ref {
			return fmt.Errorf("refs %q and %q are not in order", refs[i-1].Ref, r.Ref)
		}
		if r.Commit.IsZero() {
			return fmt.Errorf("ref %q names no commit", r.Ref)
		}
		if err := r.Metadata.check(); err != nil {
			return fmt.Errorf("ref %q: %w", r.Ref, err)
		}
	}
	return nil
}

// takeCollections moves the map of collections out of the dictionary.
func (s *Summary) takeCollections() error {
	if id, ok := s.Metadata.Lookup(SummaryCollectionID); ok && (id.Type() != "s" || ValidateCollectionID(s.CollectionID()) != nil) {
		return fmt.Errorf("%s is not the id of a collection", SummaryCollectionID)
	}
	v, ok := s.Metadata.Lookup(SummaryCollectionMap)
	if !ok {
		return nil
	}
	if v.Type() != summaryCollectionType {
		return fmt.Errorf("%s has type %q, not %q", SummaryCollectionMap, v.Type(), summaryCollectionType)
	}
	s.Metadata.Delete(SummaryCollectionMap)
	s.Collections = make([]SummaryCollection, v.Len())
	for i, entry := range v.Children() {
		c := &s.Collections[i]
		id, refs, err := entry.KeyValue()
		if err != nil {
			return err
		}
		c.ID = id
		if c.Refs, err = decodeSummaryRefs(refs); err != nil {
			return fmt.Errorf("collection %q: %w", id, err)
		}
	}
	return checkSummaryCollections(s.Collections)
}

func checkSummaryCollections(list []SummaryCollection) error {
	for i := range list {
		if err := ValidateCollectionID(list[i].ID); err != nil {
			return err
		}
		if i > 0 && list[i-1].ID >= list[i].ID {
			return fmt.Errorf("collections %q and %q are not in order", list[i-1].ID, list[i].ID)
		}
	}
	return nil
}

// Deltas returns the static deltas that the summary lists, in its order. It is
// empty for a repository that lists them only in delta indexes.
func (s *Summary) Deltas() ([]SummaryDelta, error) {
	v, ok := s.Metadata.Lookup(SummaryDeltas)
	if !ok {
		return nil, nil
	}
	deltas, err := decodeDeltaMap(v)
	return deltas, corrupt("summary", err)
}

// decodeDeltaMap reads the value of SummaryDeltas, also that of a delta index.
func decodeDeltaMap(v gvariant.Value) ([]SummaryDelta, error) {
	if v.Type() != "a{sv}" {
		return nil, fmt.Errorf("%s has type %q, not a{sv}", SummaryDeltas, v.Type())
	}
	deltas := make([]SummaryDelta, v.Len())
	for i, entry := range v.Children() {
		name, value, err := entry.KeyValue()
		if err != nil {
			return nil, err
		}
		if deltas[i], err = decodeDelta(name, value); err != nil {
			return nil, err
		}
	}
	return deltas, nil
}

func decodeDelta(name string, value gvariant.Value) (SummaryDelta, error) {
	n, err := ParseDeltaName(name)
	if err != nil {
		return SummaryDelta{}, err
	}
	sum, err := value.Bytes()
	if err == nil && len(sum) != len(Checksum{}) {
		err = fmt.Errorf("checksum of %d bytes", len(sum))
	}
	if err != nil {
		return SummaryDelta{}, fmt.Errorf("static delta %q: %w", name, err)
	}
	return SummaryDelta{DeltaName: n, Superblock: Checksum(sum)}, nil
}
