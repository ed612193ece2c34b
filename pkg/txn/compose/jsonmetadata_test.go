package compose_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

func TestMetadataFromJSON(t *testing.T) {
	t.Parallel()
	m, err := compose.MetadataFromJSON([]byte(`{"s": "text", "n": 258, "b": true, "f": 1.5, "z": null, "a": [1, "x"], "o": {"k": -1, "a": []}}`))
	require.NoError(t, err)
	var got []string
	for _, e := range m {
		got = append(got, e.Key+" "+e.Value.Type()+" "+e.Value.Byteswap().Text())
	}
	require.Equal(t, []string{
		"a av [<int64 1>, <'x'>]", "b b true", "f d 1.5", "n x int64 258", "o a{sv} {'a': <@av []>, 'k': <int64 -1>}",
		"s s 'text'", "z mv @mv nothing",
	}, got)
	n, ok := m.Lookup("n")
	require.True(t, ok)
	require.Equal(t, []byte{0, 0, 0, 0, 0, 0, 1, 2}, n.Data(), "big-endian")
}

func TestMetadataFromJSONErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[1]`:                "cannot unmarshal array",
		`{`:                  "unexpected EOF",
		`{} {}`:              "after the JSON object",
		`{"": 1}`:            "an empty key",
		`{"a": "\u0000"}`:    "a: a string with NUL",
		`{"a": {"b":1e999}}`: "a: b: ",
	} {
		_, err := compose.MetadataFromJSON([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
}
