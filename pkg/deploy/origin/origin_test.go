package origin_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
)

func TestNewIsWhatOstreeWrites(t *testing.T) {
	t.Parallel()
	require.Equal(t, "[origin]\nrefspec=debian:trixie/amd64\n", string(origin.New("debian:trixie/amd64").Bytes()))
}

func TestEveryFieldRoundTrips(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/full.origin")
	require.NoError(t, err)
	o, err := origin.Parse(text)
	require.NoError(t, err)
	require.NoError(t, o.Check())

	require.Equal(t, "debian:debian/trixie/amd64/server", o.Refspec)
	require.Equal(t, "0123", o.OverrideCommit)
	require.Equal(t, []string{"htop", "tmux"}, o.Requested)
	require.Equal(t, []string{"9f2c:mytool_1.2-3_amd64"}, o.RequestedLocal)
	require.Equal(t, []string{"aa:b"}, o.RequestedLocalOverride)
	require.Equal(t, []string{"nano"}, o.OverrideRemove)
	require.Equal(t, []string{"repo=trixie-backports,linux-image-amd64"}, o.OverrideReplace)
	require.Equal(t, []string{"bb:c"}, o.OverrideReplaceLocal)
	require.Equal(t, []string{"/etc/crypttab"}, o.InitramfsEtc)
	require.Equal(t, []string{"--add", "lvm;x"}, o.InitramfsArgs)
	require.True(t, o.RegenerateInitramfs)
	require.True(t, o.CLIWrap)
	require.True(t, o.Pinned)
	require.Equal(t, "hotfix", o.Unlocked)
	require.Equal(t, "not yet", o.Unconfigured)
	require.Equal(t, "https://example.org", o.CustomURL)
	require.Equal(t, "a test", o.CustomDescription)
	value, ok := o.Extra("apt-ostree", "future")
	require.True(t, ok)
	require.Equal(t, "kept", value)

	require.Equal(t, string(text), string(o.Bytes()), "an unchanged origin keeps its spelling")
	require.True(t, o.Equal(o.Clone()))
}

func TestLayeringMovesTheRefspec(t *testing.T) {
	t.Parallel()
	o, err := origin.Parse([]byte("[origin]\nrefspec=d:x\n# mine\nunknown=1\n"))
	require.NoError(t, err)
	require.False(t, o.Layered())
	o.Requested = []string{"htop"}
	require.True(t, o.Layered())
	require.Equal(t, "[origin]\n# mine\nunknown=1\nbaserefspec=d:x\n\n[packages]\nrequested=htop;\n", string(o.Bytes()))

	o, err = origin.Parse(o.Bytes())
	require.NoError(t, err)
	require.Equal(t, "d:x", o.Refspec)
	o.Requested = nil
	require.Equal(t, "[origin]\n# mine\nunknown=1\nrefspec=d:x\n", string(o.Bytes()))
}

func TestDeriveDropsWhatBelongsToOneDeployment(t *testing.T) {
	t.Parallel()
	o, err := origin.Parse([]byte("[origin]\nrefspec=x\nunlocked=hotfix\n[libostree-transient]\npinned=true\nfuture=1\n"))
	require.NoError(t, err)
	d := o.Derive()
	require.NotContains(t, string(d.Bytes()), "transient")
	require.NotContains(t, string(d.Bytes()), "unlocked")
	require.True(t, o.Pinned, "the original is left alone")
	require.Contains(t, string(o.Bytes()), "future=1")
}

func TestCloneIsIndependent(t *testing.T) {
	t.Parallel()
	o := origin.New("x")
	o.Requested = []string{"a"}
	c := o.Clone()
	c.Requested[0] = "b"
	require.NoError(t, c.SetExtra("g", "k", "v"))
	require.Equal(t, []string{"a"}, o.Requested)
	_, ok := o.Extra("g", "k")
	require.False(t, ok)
}

func TestPinning(t *testing.T) {
	t.Parallel()
	o := origin.New("x")
	o.Pinned = true
	require.Equal(t, "[origin]\nrefspec=x\n\n[libostree-transient]\npinned=true\n", string(o.Bytes()))
	o.Pinned = false
	require.Equal(t, "[origin]\nrefspec=x\n", string(o.Bytes()))
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"refspec=x\n":                              "line 1",
		"[origin\nrefspec=x\n":                     "line 1",
		"[origin]\nrubbish\n":                      "line 2",
		"[libostree-transient]\npinned=perhaps\n":  "libostree-transient",
		"[origin]\n" + string(make([]byte, 2<<20)): "not plausible",
	} {
		_, err := origin.Parse([]byte(text))
		require.ErrorContains(t, err, want)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                     "neither",
		"[origin]\nunknown=1\n":                "neither",
		"[origin]\nrefspec=a\nbaserefspec=b\n": "both refspec a and baserefspec b",
		"[origin]\nrefspec=a\ncontainer-image-reference=b\n": "both refspec a and container image b",
	} {
		o, err := origin.Parse([]byte(text))
		require.NoError(t, err)
		require.ErrorContains(t, o.Check(), want)
	}
	require.NoError(t, origin.New("x").Check())
}

func TestSetExtraRefusesWhatIsNoKey(t *testing.T) {
	t.Parallel()
	o := origin.New("x")
	require.Error(t, o.SetExtra("a]", "k", "v"))
	require.Error(t, o.SetExtra("a", "k=", "v"))
	require.NoError(t, o.SetExtra("a", "k", "v"))
	require.NoError(t, o.SetExtra("a", "k", ""))
	_, ok := o.Extra("a", "k")
	require.False(t, ok)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("[origin]\nrefspec=a:b\n[packages]\nrequested=a;b;\n"))
	f.Add([]byte("[origin]\nbaserefspec=x\nrefspec=y\n[libostree-transient]\npinned=1\n"))
	f.Add([]byte("#c\n\n[x]\nk = \\s v\\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := origin.Parse(data)
		if err != nil {
			return
		}
		again, err := origin.Parse(o.Bytes())
		require.NoError(t, err, "%q", o.Bytes())
		require.Equal(t, o.Refspec, again.Refspec)
		require.Equal(t, o.Requested, again.Requested)
		require.Equal(t, o.Pinned, again.Pinned)
		require.Equal(t, o.Bytes(), again.Bytes())
	})
}

func ExampleNew() {
	o := origin.New("debian:trixie/amd64/server")
	o.Requested = append(o.Requested, "htop", "tmux")
	fmt.Print(string(o.Bytes()))
	// Output:
	// [origin]
	// baserefspec=debian:trixie/amd64/server
	//
	// [packages]
	// requested=htop;tmux;
}
