package compose

import (
	"fmt"
	"maps"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// addMetadata translates add-commit-metadata, sorted by key.
func addMetadata(m *ostree.Metadata, values map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if key == "" {
			return fmt.Errorf("treefile: add-commit-metadata: an empty key")
		}
		switch v := values[key].(type) {
		case string:
			m.Set(key, gvariant.String(v))
		case bool:
			m.Set(key, gvariant.Bool(v))
		case int:
			if v < 0 {
				return fmt.Errorf("treefile: add-commit-metadata: %s: negative numbers cannot be stored", key)
			}
			m.Set(key, gvariant.Uint64(uint64(v)))
		default:
			return fmt.Errorf("treefile: add-commit-metadata: %s: %T cannot be stored; use a string, boolean or number", key, v)
		}
	}
	return nil
}
