package compose

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// MetadataFromJSON turns a JSON object into metadata of a commit, sorted by key: strings are s, booleans b,
// whole numbers x and others d, arrays av, objects a{sv}, null is nothing of type mv. Numbers are
// big-endian, as rpm-ostree and OSTree itself store them.
func MetadataFromJSON(data []byte) (ostree.Metadata, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var object map[string]any
	if err := dec.Decode(&object); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("metadata: there is something after the JSON object")
	}
	var m ostree.Metadata
	for _, key := range slices.Sorted(maps.Keys(object)) {
		value, err := variantOf(object[key])
		if err == nil && key == "" {
			err = errors.New("an empty key")
		}
		if err != nil {
			return nil, fmt.Errorf("metadata: %s: %w", key, err)
		}
		m = append(m, ostree.MetadataEntry{Key: key, Value: value.Byteswap()})
	}
	return m, nil
}

// variantOf is the value in the byte order of package gvariant.
func variantOf(v any) (gvariant.Value, error) {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, "\x00") {
			return gvariant.Value{}, errors.New("a string with NUL cannot be stored")
		}
		return gvariant.String(v), nil
	case bool:
		return gvariant.Bool(v), nil
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return gvariant.Int64(n), nil
		}
		n, err := v.Float64()
		return gvariant.Double(n), err
	case []any:
		values := make([]gvariant.Value, 0, len(v))
		for _, one := range v {
			value, err := variantOf(one)
			if err != nil {
				return gvariant.Value{}, err
			}
			values = append(values, gvariant.Variant(value))
		}
		return gvariant.Array("v", values...), nil
	case map[string]any:
		entries := make([]gvariant.Entry, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			value, err := variantOf(v[key])
			if err != nil {
				return gvariant.Value{}, fmt.Errorf("%s: %w", key, err)
			}
			entries = append(entries, gvariant.Entry{Key: key, Value: value})
		}
		return gvariant.Dict(entries...), nil
	}
	return gvariant.Parse("mv", nil) // null
}
