package compose

import (
	"fmt"
	"maps"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// metadata is the commit's, in a fixed order because the order is part of the checksum: version,
// input hash, what the treefile adds by name, what the caller adds, the binding to the ref.
func (a *application) metadata() (ostree.Metadata, error) {
	p, tree := a.plan, a.composer.opts.Treefile
	var m ostree.Metadata
	if p.Version != "" {
		m.Set(ostree.MetadataVersion, gvariant.String(p.Version))
	}
	if p.InputHash != "" {
		m.Set(keyInputHash, gvariant.String(p.InputHash))
	}
	if err := addMetadata(&m, tree.AddCommitMetadata); err != nil {
		return nil, err
	}
	for _, e := range a.composer.opts.Metadata {
		m.Set(e.Key, e.Value)
	}
	if p.Ref != "" {
		m.Set(ostree.MetadataRefBinding, gvariant.Strings([]string{p.Ref}))
	}
	return m, nil
}

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
