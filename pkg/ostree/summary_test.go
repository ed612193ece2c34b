package ostree_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// bigEndian is how summaries hold times.
func bigEndian(seconds uint64) gvariant.Value {
	return gvariant.Uint64(binary.LittleEndian.Uint64(binary.BigEndian.AppendUint64(nil, seconds)))
}

func sampleSummary() *ostree.Summary {
	return &ostree.Summary{
		Refs: []ostree.SummaryRef{
			{Ref: "b/2", Size: 300, Commit: ostree.Checksum{2}},
			{Ref: "a", Size: 142, Commit: ostree.Checksum{1}, Metadata: ostree.Metadata{
				{Key: ostree.SummaryCommitTimestamp, Value: bigEndian(1700000000)},
				{Key: ostree.SummaryCommitVersion, Value: gvariant.String("12.1")},
			}},
		},
		Collections: []ostree.SummaryCollection{
			{ID: "org.example.Other", Refs: []ostree.SummaryRef{{Ref: "m", Size: 1, Commit: ostree.Checksum{3}}}},
			{ID: "org.example.Apps", Refs: []ostree.SummaryRef{{Ref: "n", Size: 1, Commit: ostree.Checksum{4}}}},
		},
		Metadata: ostree.Metadata{
			{Key: ostree.SummaryLastModified, Value: bigEndian(1700000001)},
			{Key: ostree.SummaryCollectionID, Value: gvariant.String("org.example.Main")},
			{Key: ostree.SummaryMode, Value: gvariant.String("archive-z2")},
			{Key: ostree.SummaryIndexedDeltas, Value: gvariant.Bool(true)},
			{Key: ostree.SummaryDeltas, Value: gvariant.Dict(
				gvariant.Entry{Key: strings.Repeat("01", 32), Value: gvariant.Bytes(bytes.Repeat([]byte{7}, 32))},
				gvariant.Entry{Key: strings.Repeat("01", 32) + "-" + strings.Repeat("02", 32), Value: gvariant.Bytes(bytes.Repeat([]byte{8}, 32))},
			)},
		},
	}
}

func TestSummaryRoundTrip(t *testing.T) {
	t.Parallel()
	data, err := sampleSummary().Encode()
	require.NoError(t, err)
	s, err := ostree.ParseSummary(data)
	require.NoError(t, err)

	a, ok := s.Lookup("a")
	require.True(t, ok)
	require.Equal(t, ostree.Checksum{1}, a.Commit)
	require.Equal(t, uint64(142), a.Size)
	require.Equal(t, time.Unix(1700000000, 0).UTC(), a.Timestamp())
	require.Equal(t, "12.1", a.Version())
	_, ok = s.Lookup("m")
	require.False(t, ok, "a ref of another collection is no ref of the repository")

	m, ok := s.LookupCollection("org.example.Other", "m")
	require.True(t, ok)
	require.Equal(t, ostree.Checksum{3}, m.Commit)
	_, ok = s.LookupCollection("org.example.Main", "b/2")
	require.True(t, ok)
	_, ok = s.LookupCollection("org.example.None", "b/2")
	require.False(t, ok)

	require.Equal(t, "org.example.Main", s.CollectionID())
	require.Equal(t, "archive-z2", s.Mode())
	require.True(t, s.IndexedDeltas())
	require.False(t, s.Tombstones())
	require.Equal(t, time.Unix(1700000001, 0).UTC(), s.LastModified())
	require.Zero(t, s.Expires())

	deltas, err := s.Deltas()
	require.NoError(t, err)
	require.Len(t, deltas, 2)
	require.True(t, deltas[0].From.IsZero())
	require.Equal(t, strings.Repeat("01", 32)+"-"+strings.Repeat("02", 32), deltas[1].String())

	again, err := s.Encode()
	require.NoError(t, err)
	require.Equal(t, data, again)
}

func TestSummaryRefusesWhatClientsCannotUse(t *testing.T) {
	t.Parallel()
	good := ostree.SummaryRef{Ref: "a", Commit: ostree.Checksum{1}}
	for name, s := range map[string]*ostree.Summary{
		"names a parent directory": {Refs: []ostree.SummaryRef{{Ref: "../a", Commit: ostree.Checksum{1}}}},
		"name like a checksum":     {Refs: []ostree.SummaryRef{{Ref: strings.Repeat("a", 64), Commit: ostree.Checksum{1}}}},
		"ref twice":                {Refs: []ostree.SummaryRef{good, good}},
		"no commit":                {Refs: []ostree.SummaryRef{{Ref: "a"}}},
		"collection twice":         {Collections: []ostree.SummaryCollection{{ID: "a.b"}, {ID: "a.b"}}},
		"collection with a slash":  {Collections: []ostree.SummaryCollection{{ID: "a./b"}}},
		"collection of one word":   {Collections: []ostree.SummaryCollection{{ID: "a"}}},
		"bad ref of a collection":  {Collections: []ostree.SummaryCollection{{ID: "a.b", Refs: []ostree.SummaryRef{{Ref: "/", Commit: ostree.Checksum{1}}}}}},
		"bad id of its own":        {Metadata: ostree.Metadata{{Key: ostree.SummaryCollectionID, Value: gvariant.String("../x")}}},
		"key twice":                {Metadata: ostree.Metadata{{Key: "k", Value: gvariant.Byte(1)}, {Key: "k", Value: gvariant.Byte(1)}}},
		"map beside Collections":   {Metadata: ostree.Metadata{{Key: ostree.SummaryCollectionMap, Value: gvariant.Byte(1)}}},
	} {
		_, err := s.Encode()
		require.Error(t, err, name)
	}
}

// rawSummary encodes what Encode would refuse.
func rawSummary(metadata gvariant.Value, refs ...string) []byte {
	list := make([]gvariant.Value, len(refs))
	for i, ref := range refs {
		list[i] = gvariant.Tuple(gvariant.String(ref), gvariant.Tuple(gvariant.Uint64(1), gvariant.Bytes(bytes.Repeat([]byte{1}, 32)), gvariant.Dict()))
	}
	return gvariant.Tuple(gvariant.Array("(s(taya{sv}))", list...), metadata).Data()
}

func TestParseSummaryRefuses(t *testing.T) {
	t.Parallel()
	_, err := ostree.ParseSummary(rawSummary(gvariant.Dict(), "a", "b"))
	require.NoError(t, err)
	for name, data := range map[string][]byte{
		"order":          rawSummary(gvariant.Dict(), "b", "a"),
		"escape":         rawSummary(gvariant.Dict(), "a/../../b"),
		"truncated":      rawSummary(gvariant.Dict(), "a", "b")[:40],
		"type of map":    rawSummary(gvariant.Dict(gvariant.Entry{Key: ostree.SummaryCollectionMap, Value: gvariant.String("x")})),
		"type of an id":  rawSummary(gvariant.Dict(gvariant.Entry{Key: ostree.SummaryCollectionID, Value: gvariant.Uint32(1)})),
		"empty metadata": rawSummary(gvariant.Dict(gvariant.Entry{Value: gvariant.Uint32(1)})),
	} {
		_, err := ostree.ParseSummary(data)
		var corrupt *ostree.CorruptError
		require.ErrorAs(t, err, &corrupt, name)
	}
}

func FuzzSummary(f *testing.F) {
	data, err := sampleSummary().Encode()
	require.NoError(f, err)
	f.Add(data)
	f.Add(rawSummary(gvariant.Dict(), "b", "a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ostree.ParseSummary(data)
		if err != nil {
			return
		}
		again, err := s.Encode()
		require.NoError(t, err)
		_, err = ostree.ParseSummary(again)
		require.NoError(t, err)
		if _, err := s.Deltas(); err != nil {
			require.ErrorContains(t, err, "summary")
		}
	})
}
