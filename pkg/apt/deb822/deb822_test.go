package deb822_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
)

const two = `Package: a
Description: first
 second
 .
   third
Empty:
List:
 one
 two

# not a comment here: it is a field name error unless Comments is set

`

const sources = `# head
Types: deb
URIs: http://archive.example/a
# between lines
  http://archive.example/b

# alone

   
Types: deb-src
`

func TestParagraph(t *testing.T) {
	t.Parallel()
	p, err := deb822.Parse(strings.Split(two, "\n#")[0])
	require.NoError(t, err)
	require.Equal(t, 4, p.Len())
	require.Equal(t, "a", p.Get("PACKAGE"))
	require.Equal(t, "first\n second\n .\n   third", p.Get("description"))
	require.Equal(t, "first\nsecond\n\n  third", deb822.Unfold(p.Get("Description")))
	require.Equal(t, p.Get("Description"), deb822.Fold(deb822.Unfold(p.Get("Description"))))
	require.Equal(t, []string{"one", "two"}, slices.Collect(deb822.Lines(p.Get("List"))))
	value, found := p.Lookup("Empty")
	require.True(t, found)
	require.Empty(t, value)
	_, found = p.Lookup("Missing")
	require.False(t, found)
	require.Equal(t, 7, p.Line("List"))
	require.Equal(t, 1, p.Line("Missing"))
	var names []string
	for f := range p.All() {
		names = append(names, f.Name)
	}
	require.Equal(t, []string{"Package", "Description", "Empty", "List"}, names)
}

func TestParseWantsOneParagraph(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"":               "unexpected EOF",
		"A: 1\n\nB: 2\n": "line 3: a second paragraph",
		"A: 1\na: 2\n":   "line 2: field \"a\" occurs twice",
		"A: 1\nB\n":      "line 2: expected",
		" A: 1\n":        "line 1: continuation line without a field",
		"A B: 1\n":       "not a field name",
		"-A: 1\n":        "not a field name",
		"#A: 1\n":        "not a field name",
		": 1\n":          "expected",
		"\x00\xff":       "expected",
	} {
		_, err := deb822.Parse(text)
		require.ErrorContains(t, err, says, "%q", text)
	}
}

func TestCommentsAndBlankLines(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]io.Reader{"whole": strings.NewReader(sources), "bytewise": iotest.OneByteReader(strings.NewReader(sources))} {
		all, err := deb822.ReadAll(r, deb822.Options{Comments: true})
		require.NoError(t, err, name)
		require.Len(t, all, 2)
		require.Equal(t, []string{"http://archive.example/a", "http://archive.example/b"}, slices.Collect(deb822.Lines(all[0].Get("URIs"))))
		require.Equal(t, "deb-src", all[1].Get("Types"))
		require.Equal(t, 10, all[1].Line("Types"))
		require.Contains(t, all[0].Raw(), "# between lines\n")
	}
}

func TestCarriageReturns(t *testing.T) {
	t.Parallel()
	all, err := deb822.ReadAll(strings.NewReader("A: 1\r\nB: x\r\n y\r\n\r\nA: 2\r\n"), deb822.Options{})
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, "1", all[0].Get("A"))
	require.Equal(t, "x\ny", deb822.Unfold(all[0].Get("B")))
}

func TestBlankLineOfSpacesContinuesValue(t *testing.T) {
	t.Parallel()
	p, err := deb822.Parse("Description: a\n  \n b\nC: d\n")
	require.NoError(t, err)
	require.Equal(t, "a\n\nb", deb822.Unfold(p.Get("Description")))
	require.Equal(t, "d", p.Get("C"))
}

func TestScannerSharesText(t *testing.T) {
	t.Parallel()
	s := deb822.NewScanner("A: 1\nB: 2\n\n\nA: 3\n", deb822.Options{})
	require.True(t, s.Next())
	first := s.Paragraph()
	kept := first.Clone()
	require.Equal(t, "A: 1\nB: 2\n", first.Raw())
	require.True(t, s.Next())
	require.Equal(t, "3", s.Paragraph().Get("A"))
	require.Equal(t, "1", kept.Get("A"))
	require.False(t, s.Next())
	require.False(t, s.Next())
	require.NoError(t, s.Err())
}

func TestLimits(t *testing.T) {
	t.Parallel()
	long := "A: " + strings.Repeat("x", 5000) + "\n"
	many := strings.Repeat("A: 1\n", 20)
	var syntax *deb822.SyntaxError
	for _, c := range []struct {
		text string
		o    deb822.Options
	}{{long, deb822.Options{MaxParagraph: 1000}}, {many, deb822.Options{MaxFields: 10}}} {
		s := deb822.NewScanner(c.text, c.o)
		require.False(t, s.Next())
		require.ErrorAs(t, s.Err(), &syntax)
		r := deb822.NewReader(strings.NewReader(c.text), c.o)
		_, err := r.Next()
		require.ErrorAs(t, err, &syntax)
		_, again := r.Next()
		require.Equal(t, err, again, "errors are sticky")
	}
}

func TestReaderPassesReadErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken disk")
	_, err := deb822.ReadAll(io.MultiReader(strings.NewReader("A: 1\n\nB: "), iotest.ErrReader(broken)), deb822.Options{})
	require.ErrorIs(t, err, broken)
}

func FuzzDeb822(f *testing.F) {
	for _, s := range []string{two, sources, "A:\n\n B: 1", "A: 1\r\n\r\n", "A:\n\tb\n#c\n d\n", "\n \nX: y"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, text string, comments bool) {
		o := deb822.Options{Comments: comments, MaxParagraph: 1 << 16, MaxFields: 50}
		var scanned []deb822.Paragraph
		s := deb822.NewScanner(text, o)
		for s.Next() {
			if s.Paragraph().CheckUnique() != nil {
				return
			}
			scanned = append(scanned, s.Paragraph().Clone())
		}
		read, err := deb822.ReadAll(strings.NewReader(text), o)
		if s.Err() != nil || err != nil {
			require.Equal(t, s.Err() != nil, err != nil)
			return
		}
		require.Equal(t, len(scanned), len(read))
		for i := range scanned {
			require.Equal(t, slices.Collect(scanned[i].All()), slices.Collect(read[i].All()))
		}
	})
}
