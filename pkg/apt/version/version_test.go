package version_test

import (
	"cmp"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

func parse(t testing.TB, text string) version.Version {
	t.Helper()
	v, err := version.Parse(text)
	require.NoError(t, err)
	return v
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text               string
		epoch              int
		upstream, revision string
	}{
		{"1.0", 0, "1.0", ""},
		{"1.0-1", 0, "1.0", "1"},
		{"2:1.0-rc1-0ubuntu3~24.04", 2, "1.0-rc1", "0ubuntu3~24.04"},
		{"1:2:3-4", 1, "2:3", "4"},
		{" 007 ", 0, "007", ""},
	} {
		v := parse(t, c.text)
		require.Equal(t, c.epoch, v.Epoch(), c.text)
		require.Equal(t, c.upstream, v.Upstream(), c.text)
		require.Equal(t, c.revision, v.Revision(), c.text)
	}
	require.Equal(t, "2:1.0-1", parse(t, " 2:1.0-1 ").String())
	require.Equal(t, "1.0-1", parse(t, "2:1.0-1").WithoutEpoch())
	require.Equal(t, parse(t, "1.0"), parse(t, " 1.0"), "versions are comparable values")
	require.NotEqual(t, parse(t, "1.0"), parse(t, "1.00"))
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "  ", ":1", "a:1", "1:", "-1:1", "+1:1", "2147483648:1", "1-", "1:-1", "-1", "a1", "1 2", "1_2", "1.0-a:b", "1/2", "1\x00", "v1.0", "~1",
	} {
		v, err := version.Parse(text)
		require.Error(t, err, "%q", text)
		require.True(t, v.IsZero())
	}
}

// vectors are in ascending order; each list holds versions that are equal to dpkg.
var vectors = [][]string{
	{"0~~", "0~~-0"}, {"0~"}, {"0", "00", "0-0", "0:0"}, {"0.0.9"}, {"1a"}, {"1.0~rc1"}, {"1.0~rc1+b1"}, {"1.0", "1.0-0", "1.00", "0:1.0"}, {"1.0-1~deb12u1"},
	{"1.0-1"}, {"1.0-1+b1"}, {"1.0-1+deb12u1"}, {"1.0a"}, {"1.0+b"}, {"1.0-1-1"}, {"1.0.0"}, {"1.0.4-2"}, {"1.0.4-2+b1"}, {"1.2.3~~"}, {"1.2.3~"},
	{"1.2.3", "1.02.003"}, {"1.9"}, {"1.10"}, {"9.9"}, {"99999999999999999999999"}, {"100000000000000000000000"}, {"1:0.1", "01:0.1"}, {"2:0"},
}

func TestCompareVectors(t *testing.T) {
	t.Parallel()
	for i := range vectors {
		for j := range vectors {
			for _, a := range vectors[i] {
				for _, b := range vectors[j] {
					require.Equal(t, cmp.Compare(i, j), version.Compare(parse(t, a), parse(t, b)), "%s %s", a, b)
				}
			}
		}
	}
}

func TestZeroVersion(t *testing.T) {
	t.Parallel()
	var zero version.Version
	require.True(t, zero.IsZero())
	require.Zero(t, zero.Compare(version.Version{}))
	require.Negative(t, zero.Compare(parse(t, "0~~")))
	require.Positive(t, parse(t, "0").Compare(zero))
	require.Empty(t, zero.Upstream()+zero.Revision()+zero.WithoutEpoch())
}

func TestText(t *testing.T) {
	t.Parallel()
	out, err := json.Marshal(map[string]version.Version{"v": parse(t, "1:2-3")})
	require.NoError(t, err)
	require.JSONEq(t, `{"v":"1:2-3"}`, string(out))
	var back map[string]version.Version
	require.NoError(t, json.Unmarshal(out, &back))
	require.Equal(t, parse(t, "1:2-3"), back["v"])
	require.NoError(t, json.Unmarshal([]byte(`{"v":""}`), &back))
	require.True(t, back["v"].IsZero())
	require.Error(t, json.Unmarshal([]byte(`{"v":"x"}`), &back))
}

func FuzzParse(f *testing.F) {
	for _, group := range vectors {
		for _, v := range group {
			f.Add(v, "1.0-1")
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		v, errV := version.Parse(a)
		w, errW := version.Parse(b)
		if errV != nil || errW != nil {
			return
		}
		require.Equal(t, v, parse(t, v.String()))
		require.Equal(t, version.Compare(v, w), -version.Compare(w, v))
		require.Zero(t, version.Compare(v, v))
	})
}

func BenchmarkCompare(b *testing.B) {
	v, w := parse(b, "1:2.36-9+deb12u10"), parse(b, "1:2.36-9+deb12u9")
	for b.Loop() {
		version.Compare(v, w)
	}
}
