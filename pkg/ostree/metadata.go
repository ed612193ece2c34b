package ostree

import (
	"errors"
	"fmt"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// Metadata keys that libostree gives a meaning.
const (
	MetadataVersion         = "version"                 // s, shown to users
	MetadataSourceTitle     = "ostree.source-title"     // s, where it comes from, shown to users
	MetadataRefBinding      = "ostree.ref-binding"      // as, refs that may point to the commit
	MetadataBootable        = "ostree.bootable"         // b, the tree holds a kernel
	MetadataLinux           = "ostree.linux"            // s, version of that kernel
	MetadataArchitecture    = "ostree.architecture"     // s
	MetadataEndOfLife       = "ostree.endoflife"        // s, message for users
	MetadataEndOfLifeRebase = "ostree.endoflife-rebase" // s, the ref that continues this one
)

// Metadata is the dictionary of a commit, or one that is attached to it. The
// order of the entries is kept, since it is part of the checksum.
type Metadata []MetadataEntry

// A MetadataEntry is one key of a [Metadata] with its value.
type MetadataEntry struct {
	Key   string
	Value gvariant.Value
}

// Lookup returns the value of a key.
func (m Metadata) Lookup(key string) (gvariant.Value, bool) {
	for _, e := range m {
		if e.Key == key {
			return e.Value, true
		}
	}
	return gvariant.Value{}, false
}

// Str returns the value of a key that holds a string, and "" if there is none
// or it holds something else.
func (m Metadata) Str(key string) string {
	v, _ := m.Lookup(key)
	s, err := v.Str()
	if err != nil {
		return ""
	}
	return s
}

// Set gives a key a value, in its place if it exists and else at the end.
func (m *Metadata) Set(key string, value gvariant.Value) {
	for i := range *m {
		if (*m)[i].Key == key {
			(*m)[i].Value = value
			return
		}
	}
	*m = append(*m, MetadataEntry{Key: key, Value: value})
}

// Delete removes a key if it exists.
func (m *Metadata) Delete(key string) {
	kept := Metadata{}
	for _, e := range *m {
		if e.Key != key {
			kept = append(kept, e)
		}
	}
	*m = kept
}

func (m Metadata) check() error {
	seen := make(map[string]bool, len(m))
	for _, e := range m {
		if e.Key == "" {
			return errors.New("metadata with an empty key")
		}
		if err := checkText("metadata key", e.Key); err != nil {
			return err
		}
		if e.Value.IsZero() {
			return fmt.Errorf("metadata %q has no value", e.Key)
		}
		if seen[e.Key] {
			return fmt.Errorf("metadata %q occurs twice", e.Key)
		}
		seen[e.Key] = true
	}
	return nil
}

func (m Metadata) encode() gvariant.Value {
	entries := make([]gvariant.Entry, len(m))
	for i, e := range m {
		entries[i] = gvariant.Entry(e)
	}
	return gvariant.Dict(entries...)
}

// decodeMetadata reads an a{sv}. Duplicate keys, which GVariant permits, are
// kept as they are.
func decodeMetadata(v gvariant.Value) (Metadata, error) {
	m := make(Metadata, 0, v.Len())
	for _, entry := range v.Children() {
		key, value, err := entry.KeyValue()
		if err != nil {
			return nil, err
		}
		if key == "" {
			return nil, errors.New("metadata with an empty key")
		}
		m = append(m, MetadataEntry{Key: key, Value: value})
	}
	return m, nil
}

// SortedKeys lists the keys by name, which is the order to show them in.
func (m Metadata) SortedKeys() []string {
	keys := make([]string, len(m))
	for i, e := range m {
		keys[i] = e.Key
	}
	slices.Sort(keys)
	return keys
}
