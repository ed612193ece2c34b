package solver_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
)

// TestRelationsRoundTrip reads and writes every relation field of Debian 12.
func TestRelationsRoundTrip(t *testing.T) {
	t.Parallel()
	d := newDebian(t)
	fields := 0
	for _, p := range d.packages {
		for f := range p.Paragraph().All() {
			switch f.Name {
			case "Depends", "Pre-Depends", "Recommends", "Suggests", "Enhances", "Conflicts", "Breaks", "Replaces", "Provides":
			default:
				continue
			}
			groups, err := relation.ParseDepends(f.Value)
			require.NoError(t, err, "%s: %s", p, f.Name)
			written := relation.Format(groups)
			require.Equal(t, normal(f.Value), written, "%s: %s", p, f.Name)
			again, err := relation.ParseDepends(written)
			require.NoError(t, err)
			require.Equal(t, groups, again)
			fields++
		}
	}
	require.Greater(t, fields, 100_000)
}

// normal writes a field as we do: without repeated blanks and empty entries.
func normal(field string) string {
	var entries []string
	for entry := range strings.SplitSeq(field, ",") {
		if entry = strings.Join(strings.Fields(entry), " "); entry != "" {
			entries = append(entries, entry)
		}
	}
	return strings.Join(entries, ", ")
}
