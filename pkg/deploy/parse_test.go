package deploy_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

func TestParseOSRelease(t *testing.T) {
	t.Parallel()
	got := deploy.ParseOSRelease("# c\nA=plain\nB=\"a \\\"b\\\" \\x $\"\nC='it is'\nD=a\\ b\nE=\"open\nF=\n no\nG=x\"y\"'z'\n")
	require.Equal(t, map[string]string{"A": "plain", "B": "a \"b\" \\x $", "C": "it is", "D": "a b", "F": "", "G": "xyz"}, got)
}

func TestSystemName(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for want, tree := range map[string]fstest.MapFS{
		"Debian GNU/Linux 12": {"usr/lib/os-release": file("ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n")},
		"debian":              {"etc/os-release": file("ID=debian\n")},
		"two lines":           {"usr/lib/os-release": file("PRETTY_NAME='two\tlines'\n")},
	} {
		got, err := deploy.SystemName(tree)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := deploy.SystemName(fstest.MapFS{"usr/lib/os-release": file(string(make([]byte, 1<<17)))})
	require.ErrorContains(t, err, "not plausible")
}

func FuzzParseOSRelease(f *testing.F) {
	f.Add("A=\"b\"\nC='d'\n#e\nF=\\")
	f.Fuzz(func(t *testing.T, text string) {
		for key := range deploy.ParseOSRelease(text) {
			require.NotContains(t, key, "\n")
		}
	})
}

func FuzzParseBootLink(f *testing.F) {
	f.Add("/ostree/boot.1/debian/0123/0")
	f.Add("/ostree/boot.0/../x/0")
	f.Fuzz(func(t *testing.T, text string) {
		stateroot, sum, serial, err := deploy.ParseBootLink(text)
		if err != nil {
			return
		}
		for _, name := range []string{stateroot, sum} {
			require.NotEmpty(t, name)
			require.NotContains(t, name, "/")
			require.NotEqual(t, "..", name)
		}
		require.GreaterOrEqual(t, serial, 0)
	})
}
