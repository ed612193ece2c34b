package ostree

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// Encode serialises the summary. Refs and collections are sorted; names that
// [ParseSummary] would refuse are an error.
func (s *Summary) Encode() ([]byte, error) {
	data, err := s.encode()
	if err != nil {
		return nil, fmt.Errorf("encode summary: %w", err)
	}
	if len(data) > maxMetadataSize {
		return nil, fmt.Errorf("encode summary: %d bytes are more than the limit of %d", len(data), maxMetadataSize)
	}
	return data, nil
}

func (s *Summary) encode() ([]byte, error) {
	refs, err := encodeSummaryRefs(s.Refs)
	if err != nil {
		return nil, err
	}
	if _, ok := s.Metadata.Lookup(SummaryCollectionMap); ok {
		return nil, fmt.Errorf("metadata %q: set Collections instead", SummaryCollectionMap)
	}
	metadata := slices.Clone(s.Metadata)
	if len(s.Collections) > 0 {
		collections, err := encodeSummaryCollections(s.Collections)
		if err != nil {
			return nil, err
		}
		metadata.Set(SummaryCollectionMap, collections)
	}
	if err := metadata.check(); err != nil {
		return nil, err
	}
	data := gvariant.Tuple(refs, metadata.encode()).Data()
	// The metadata are values made by the caller, so look at the result.
	if _, err := parseSummary(data); err != nil {
		return nil, err
	}
	return data, nil
}

func encodeSummaryRefs(refs []SummaryRef) (gvariant.Value, error) {
	refs = slices.SortedFunc(slices.Values(refs), func(a, b SummaryRef) int { return strings.Compare(a.Ref, b.Ref) })
	if err := checkSummaryRefs(refs); err != nil {
		return gvariant.Value{}, err
	}
	values := make([]gvariant.Value, len(refs))
	for i, r := range refs {
		values[i] = gvariant.Tuple(gvariant.String(r.Ref),
			gvariant.Tuple(gvariant.Uint64(r.Size), gvariant.Bytes(r.Commit[:]), r.Metadata.encode()))
	}
	return gvariant.Array("(s(taya{sv}))", values...), nil
}

func encodeSummaryCollections(list []SummaryCollection) (gvariant.Value, error) {
	list = slices.SortedFunc(slices.Values(list), func(a, b SummaryCollection) int { return strings.Compare(a.ID, b.ID) })
	if err := checkSummaryCollections(list); err != nil {
		return gvariant.Value{}, err
	}
	entries := make([]gvariant.Value, len(list))
	for i, c := range list {
		refs, err := encodeSummaryRefs(c.Refs)
		if err != nil {
			return gvariant.Value{}, fmt.Errorf("collection %q: %w", c.ID, err)
		}
		entries[i] = gvariant.Pair(gvariant.String(c.ID), refs)
	}
	return gvariant.Array("{s"+summaryRefsType+"}", entries...), nil
}

// encodeDeltaMap makes the value of SummaryDeltas, sorted by name.
func encodeDeltaMap(deltas []SummaryDelta) gvariant.Value {
	entries := make([]gvariant.Entry, len(deltas))
	for i, d := range deltas {
		entries[i] = gvariant.Entry{Key: d.String(), Value: gvariant.Bytes(d.Superblock[:])}
	}
	slices.SortFunc(entries, func(a, b gvariant.Entry) int { return strings.Compare(a.Key, b.Key) })
	return gvariant.Dict(entries...)
}
