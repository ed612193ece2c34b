package gvariant_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	gv "github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// The bytes are those of GLib's g_variant_get_data on a little-endian machine.
var encoded = []struct {
	name  string
	value gv.Value
	typ   string
	hex   string
	text  string
}{
	{"string", gv.String("hi"), "s", "686900", `'hi'`},
	{"empty strings", gv.Strings(nil), "as", "", `@as []`},
	{"strings", gv.Strings([]string{"a", "bc"}), "as", "6100 626300 02 05", `['a', 'bc']`},
	{"bool", gv.Bool(true), "b", "01", `true`},
	{"uint32", gv.Uint32(1), "u", "01000000", `uint32 1`},
	{"int16", gv.Int16(-2), "n", "feff", `int16 -2`},
	{"byte", gv.Byte(7), "y", "07", `byte 0x07`},
	{"double", gv.Double(1), "d", "000000000000f03f", `1.0`},
	{"byte string", gv.Bytes([]byte("it's\x00")), "ay", "6974277300", `b"it's"`},
	{"bytes", gv.Bytes([]byte{1, 2}), "ay", "0102", `[byte 0x01, 0x02]`},
	{"variant", gv.Variant(gv.Uint64(5)), "v", "0500000000000000 00 74", `<uint64 5>`},
	{"fixed tuple is padded", gv.Tuple(gv.Uint32(1), gv.Byte(2)), "(uy)", "01000000 02 000000", `(uint32 1, byte 0x02)`},
	{"unit", gv.Tuple(), "()", "00", `()`},
	{"last member has no offset", gv.Tuple(gv.String("a"), gv.String("b")), "(ss)", "6100 6200 02", `('a', 'b')`},
	{"single tuple", gv.Tuple(gv.String("a")), "(s)", "6100", `('a',)`},
	{
		"dict", gv.Dict(gv.Entry{Key: "k", Value: gv.String("v")}), "a{sv}",
		"6b00 000000000000 7600 00 73 02 0d", `{'k': <'v'>}`,
	},
	{
		"dict of strings", gv.Array("{sas}", gv.Pair(gv.String("k"), gv.Strings([]string{"v"}))), "a{sas}",
		"6b00 7600 02 02 06", `{'k': ['v']}`,
	},
	{"aligned array", gv.Array("(yt)", gv.Tuple(gv.Byte(1), gv.Uint64(2))), "a(yt)", "01 00000000000000 0200000000000000", `[(byte 0x01, uint64 2)]`},
	{"annotated once", gv.Array("u", gv.Uint32(1), gv.Uint32(2)), "au", "01000000 02000000", `[uint32 1, 2]`},
}

func TestEncoding(t *testing.T) {
	t.Parallel()
	for _, c := range encoded {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.typ, c.value.Type())
			require.Equal(t, strings.ReplaceAll(c.hex, " ", ""), hex.EncodeToString(c.value.Data()))
			require.Equal(t, c.text, c.value.Text())
			parsed, err := gv.Parse(c.typ, c.value.Data())
			require.NoError(t, err)
			require.True(t, parsed.Equal(c.value))
		})
	}
}

func TestOffsetsWiden(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ length, total int }{
		{252, 255}, // 253 bytes of string, 1 of the other, 1 offset
		{253, 257}, // two-byte offset
		{65530, 65534},
		{65532, 65538}, // four-byte offset
	} {
		v := gv.Tuple(gv.String(strings.Repeat("x", c.length)), gv.Byte(1))
		require.Len(t, v.Data(), c.total)
		parsed, err := gv.Parse("(sy)", v.Data())
		require.NoError(t, err)
		child, err := parsed.At(0)
		require.NoError(t, err)
		s, err := child.Str()
		require.NoError(t, err)
		require.Len(t, s, c.length)
	}
}

func TestParseRejectsWhatIsNotNormal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, typ, hex string }{
		{"short number", "u", "010000"},
		{"bool of two", "b", "02"},
		{"no terminator", "s", "6869"},
		{"empty string", "s", ""},
		{"two terminators", "s", "680000"},
		{"not UTF-8", "s", "ff00"},
		{"padding in a tuple", "(yu)", "01 00ff00 01000000"},
		{"padding after a tuple", "(uy)", "01000000 02 0000ff"},
		{"offset outside", "as", "6100 05"},
		{"offsets that fall", "as", "6100 6200 04 02"},
		{"slack in an array", "as", "6100 00 02"},
		{"slack in a tuple", "(su)", "610000000000000000 02"},
		{"fixed array with a rest", "au", "0100000002"},
		{"variant without type", "v", "01"},
		{"variant with two types", "v", "01 00 7979"},
		{"variant with a bad value", "v", "02 00 62"},
		{"wide offset", "(ss)", "6100" + strings.Repeat("62", 10) + "00" + "0200"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			data, err := hex.DecodeString(strings.ReplaceAll(c.hex, " ", ""))
			require.NoError(t, err)
			_, err = gv.Parse(c.typ, data)
			require.ErrorIs(t, err, gv.ErrNotNormal)
		})
	}
}

func TestParseRejectsTypes(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"", "a", "(", "(s", ")", "ss", "{sv", "{vs}", "z", "r", "*", strings.Repeat("a", 200) + "s", strings.Repeat("(", 600) + strings.Repeat(")", 600)} {
		require.Error(t, gv.CheckType(typ), typ)
	}
	require.NoError(t, gv.CheckType("(a{sv}aya(say)sstayay)"))
}

func TestNestedVariantsAreBounded(t *testing.T) {
	t.Parallel()
	v := gv.Byte(1)
	for range 500 {
		v = gv.Variant(v)
	}
	_, err := gv.Parse("v", v.Data())
	require.ErrorIs(t, err, gv.ErrNotNormal)
}

func TestAccess(t *testing.T) {
	t.Parallel()
	dict := gv.Dict(
		gv.Entry{Key: "n", Value: gv.Uint64(9)},
		gv.Entry{Key: "list", Value: gv.Strings([]string{"x", "y"})},
	)
	v, ok, err := dict.Lookup("list")
	require.NoError(t, err)
	require.True(t, ok)
	list, err := v.Strings()
	require.NoError(t, err)
	require.Equal(t, []string{"x", "y"}, list)

	v, _, err = dict.Lookup("n")
	require.NoError(t, err)
	n, err := v.Uint64()
	require.NoError(t, err)
	require.EqualValues(t, 9, n)
	_, err = v.Str()
	require.ErrorAs(t, err, new(*gv.TypeError))

	_, ok, err = dict.Lookup("absent")
	require.NoError(t, err)
	require.False(t, ok)
	_, err = dict.At(2)
	require.Error(t, err)
	_, err = gv.Value{}.At(0)
	require.Error(t, err)
}

func TestMaybe(t *testing.T) {
	t.Parallel()
	nothing, err := gv.Parse("ms", nil)
	require.NoError(t, err)
	require.Zero(t, nothing.Len())
	require.Equal(t, "@ms nothing", nothing.Text())
	just, err := gv.Parse("ms", []byte("a\x00\x00"))
	require.NoError(t, err)
	require.Equal(t, "@ms 'a'", just.Text())
}

func FuzzParse(f *testing.F) {
	for _, c := range encoded {
		f.Add(c.typ, c.value.Data())
	}
	f.Add("(a{sv}aya(say)sstayay)", []byte("h>9444"))
	f.Add("a(mss)", []byte{1, 0})
	f.Fuzz(func(t *testing.T, typ string, data []byte) {
		v, err := gv.Parse(typ, data)
		if err != nil {
			return
		}
		_ = v.Text() // must not panic
		visit(t, v)
	})
}

// visit checks that every child of a normal value is a normal value too.
func visit(t *testing.T, v gv.Value) {
	t.Helper()
	n := 0
	for _, child := range v.Children() {
		n++
		_, err := gv.Parse(child.Type(), child.Data())
		require.NoError(t, err)
		visit(t, child)
	}
	require.Equal(t, v.Len(), n)
}

func TestByteswap(t *testing.T) {
	t.Parallel()
	v := gv.Tuple(gv.Uint64(1), gv.Bool(true), gv.Bytes([]byte{1, 2}), gv.Strings([]string{"ab"}),
		gv.Dict(gv.Entry{Key: "k", Value: gv.Uint32(2)}), gv.Array("q", gv.Uint16(3), gv.Uint16(4)), gv.Array("t"))
	before := v.Text()
	swapped := v.Byteswap()
	require.Equal(t, "(uint64 72057594037927936, true, [byte 0x01, 0x02], ['ab'], {'k': <uint32 33554432>}, [uint16 768, 1024], @at [])", swapped.Text())
	require.Equal(t, before, v.Text(), "values do not change")
	require.True(t, swapped.Byteswap().Equal(v))
	require.True(t, gv.Value{}.Byteswap().IsZero())
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	require.Equal(t, "5", gv.Uint64(5).PlainText())
	require.Equal(t, "{}", gv.Dict().PlainText())
	require.Equal(t, "{'k': <uint32 2>}", gv.Dict(gv.Entry{Key: "k", Value: gv.Uint32(2)}).PlainText())
}
