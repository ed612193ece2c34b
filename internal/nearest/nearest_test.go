package nearest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/nearest"
)

func TestStrings(t *testing.T) {
	t.Parallel()
	words := []string{"packages", "package", "exclude-packages", "postprocess", "units", "ref", "repos"}
	for word, want := range map[string][]string{
		"pakages":  {"packages", "package"},
		"unit":     {"units"},
		"repo":     {"repos"},
		"zzz":      {},
		"untis":    {"units"},
		"packages": {"packages", "package"},
	} {
		require.Equal(t, want, nearest.Strings(word, words, 2), word)
	}
}

func TestStringsKeepsOrderAndLimit(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"aab", "aac"}, nearest.Strings("aaa", []string{"aac", "aad", "aab", "aab"}, 2))
	require.Empty(t, nearest.Strings("a", []string{strings.Repeat("a", 1000)}, 3))
	require.Empty(t, nearest.Strings("abc", nil, 3))
}
