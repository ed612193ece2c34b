package gvariant_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	gv "github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

func TestParseText(t *testing.T) {
	t.Parallel()
	// What g_variant_parse makes of each text, printed with types.
	for text, want := range map[string]string{
		"'a'": "'a'", `"it's"`: `"it's"`, "'\\u00e9\\n'": "'é\\n'", "true": "true", "5": "5", "-0x10": "-16", "010": "8", "1.5": "1.5", "1e3": "1000.0",
		"uint64 5": "uint64 5", "byte 255": "byte 0xff", "int16 -32768": "int16 -32768", "@t 123": "uint64 123", "@a{sv} {}": "@a{sv} {}",
		"@as []": "@as []", "[1, uint32 2]": "[uint32 1, 2]", "[1, 2.5]": "[1.0, 2.5]", "('a', 1)": "('a', 1)", "('a',)": "('a',)", "()": "()",
		"{'k': <'v'>, 'l': <5>}": "{'k': <'v'>, 'l': <5>}", "{'k', 1}": "{'k', 1}", "[{'k', 1}]": "{'k': 1}", "b'x\\001'": `b'x\001'`, "<@ay [0x01]>": "<[byte 0x01]>",
		"just 5": "@mi 5", "@ms nothing": "@ms nothing", "[objectpath '/a', '/b']": "[objectpath '/a', '/b']", "[[], [1]]": "[@ai [], [1]]", " [ ] ": "",
		"[nothing, just 'a']": "[@ms nothing, 'a']", "double 1": "1.0", "inf": "inf", "18446744073709551615": "",
	} {
		v, err := gv.ParseText("", text)
		if want == "" {
			require.Error(t, err, text)
			continue
		}
		require.NoError(t, err, text)
		require.Equal(t, want, v.Text(), text)
		_, err = gv.Parse(v.Type(), v.Data())
		require.NoError(t, err, text)
	}
	v, err := gv.ParseText("at", "[1, 2]")
	require.NoError(t, err)
	require.Equal(t, "at", v.Type())
}

func TestParseTextRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "'a", "'a' 'b'", "[1, 'a']", "[1", "(1)", "{1}", "{'a': 1, 'b', 2}", "byte 256", "uint32 -1", "@z 5", "@s 5", "wat", "1_000", "0b1",
		"objectpath 'a'", "signature '('", "'\\ud800'", "'\\u00'", "@as [1]", "()()", "'a\\", "nothing", "{}", "'\xff'", "@", "uint32", "<", "int32 3000000000",
		strings.Repeat("[", 1000), strings.Repeat("<", 1000),
	} {
		_, err := gv.ParseText("", text)
		require.Error(t, err, text)
	}
	_, err := gv.ParseText("s", "5")
	var wrong *gv.TextError
	require.ErrorAs(t, err, &wrong)
}

// What is printed can be read again.
func TestTextRoundTrip(t *testing.T) {
	t.Parallel()
	for _, e := range encoded {
		v, err := gv.ParseText("", e.value.Text())
		require.NoError(t, err, e.name)
		require.True(t, v.Equal(e.value), e.name)
		v, err = gv.ParseText(e.typ, e.value.PlainText())
		require.NoError(t, err, e.name)
		require.True(t, v.Equal(e.value), e.name)
	}
}

func FuzzParseText(f *testing.F) {
	for _, e := range encoded {
		f.Add("", e.text)
	}
	f.Add("as", "[]")
	f.Add("", "{'k': <(1, b'\\001')>}")
	f.Fuzz(func(t *testing.T, typ, text string) {
		v, err := gv.ParseText(typ, text)
		if err != nil {
			return
		}
		_, err = gv.Parse(v.Type(), v.Data())
		require.NoError(t, err)
		again, err := gv.ParseText("", v.Text())
		require.NoError(t, err)
		require.Equal(t, v.Text(), again.Text())
	})
}
