package fetch_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
)

const summary = "a summary"

func metalink(urls ...string) string {
	s256, s512 := sha256.Sum256([]byte(summary)), sha512.Sum512([]byte(summary))
	var list strings.Builder
	for _, u := range urls {
		fmt.Fprintf(&list, "<url protocol=\"http\" type=\"http\" location=\"DE\" preference=\"1\" > %s </url>\n", u)
	}
	return fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?>
<!-- a comment -->
<metalink version="3.0" xmlns="http://www.metalinker.org/">
  <deeply><nested><size>1</size></nested></deeply>
  <files>
    <file name="other"><size>x</size></file>
    <file name="summary">
      <size>%d</size>
      <verification>
        <hash type="md5">whatever</hash>
        <hash type="sha256">%s</hash>
        <hash type="sha512">%s</hash>
      </verification>
      <resources maxconnections="1">
        <url protocol="ftp">ftp://archive.example/summary</url>
        <url protocol="http">http://archive.example/other</url>
        <url protocol="http">file:///summary</url>
%s      </resources>
    </file>
  </files>
</metalink>
`, len(summary), hex.EncodeToString(s256[:]), strings.ToUpper(hex.EncodeToString(s512[:])), list.String())
}

func TestParseMetalink(t *testing.T) {
	t.Parallel()
	m, err := fetch.ParseMetalink([]byte(metalink("http://archive.example/repo/summary")), "summary")
	require.NoError(t, err)
	require.EqualValues(t, len(summary), m.Size)
	require.Len(t, m.URLs, 1)
	require.Equal(t, "http://archive.example/repo/summary", m.URLs[0].String())
	require.NoError(t, m.Verify([]byte(summary)))
	for problem, data := range map[fetch.MetalinkProblem]string{fetch.MetalinkSize: "a", fetch.MetalinkChecksum: "b summary"} {
		requireProblem(t, problem, m.Verify([]byte(data)))
	}
	m.SHA512 = ""
	requireProblem(t, fetch.MetalinkChecksum, m.Verify([]byte("b summary")))
}

func requireProblem(t *testing.T, want fetch.MetalinkProblem, err error) fetch.MetalinkError {
	t.Helper()
	var bad *fetch.MetalinkError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, want, bad.Problem, "%v", err)
	require.True(t, strings.HasPrefix(err.Error(), "metalink"))
	require.NotEqual(t, "metalink: "+string(want), err.Error(), "it has words of its own")
	return *bad
}

// without drops the lines that hold a text.
func without(doc, text string) string {
	var b strings.Builder
	for line := range strings.Lines(doc) {
		if !strings.Contains(line, text) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestBadMetalinks(t *testing.T) {
	t.Parallel()
	good := metalink("http://archive.example/repo/summary")
	for _, c := range []struct {
		doc     string
		problem fetch.MetalinkProblem
	}{
		{"bacon\n", fetch.MetalinkNoRoot},
		{"", fetch.MetalinkNoRoot},
		{" \n<!-- x -->", fetch.MetalinkNoRoot},
		{good + "bacon", fetch.MetalinkNoRoot},
		{"<metalink>", fetch.MetalinkSyntax},
		{"<metalink></other>", fetch.MetalinkSyntax},
		{"</metalink>", fetch.MetalinkSyntax},
		{"<metalink>&what;</metalink>", fetch.MetalinkSyntax},
		{strings.Repeat("<a>", 200), fetch.MetalinkSyntax},
		{"<metalink/>", fetch.MetalinkNoFile},
		{strings.Replace(good, `"summary"`, `"summary2"`, 1), fetch.MetalinkNoFile},
		{without(good, "<size>9"), fetch.MetalinkNoSize},
		{strings.Replace(good, "<size>9<", "<size>nine<", 1), fetch.MetalinkBadSize},
		{strings.Replace(good, "<size>9<", "<size>-9<", 1), fetch.MetalinkBadSize},
		{strings.Replace(good, "<size>9<", "<size>99999999999<", 1), fetch.MetalinkBadSize},
		{without(good, "sha"), fetch.MetalinkNoHash},
		{strings.Replace(good, `"sha512">`, `"sha512">b`, 1), fetch.MetalinkBadHash},
		{strings.Replace(good, `"sha512">`, `"sha512">bacon</hash><hash type="x">`, 1), fetch.MetalinkBadHash},
		{without(good, "/repo/"), fetch.MetalinkNoURL},
		{metalink(strings.Split(strings.Repeat("http://archive.example/summary ", 1001), " ")...), fetch.MetalinkManyURLs},
	} {
		_, err := fetch.ParseMetalink([]byte(c.doc), "summary")
		bad := requireProblem(t, c.problem, err)
		if c.problem == fetch.MetalinkBadHash {
			require.Equal(t, "sha512", bad.Hash)
		}
	}
}

func TestMetalink(t *testing.T) {
	t.Parallel()
	repo := files(t, map[string]string{"/bad/summary": "broken", "/repo/summary": summary, "/repo/x": "here"})
	docs := map[string]string{
		"/good": metalink(repo.String()+"/bad/summary", repo.String()+"/none/summary", repo.String()+"/repo/summary"),
		"/bad":  metalink(repo.String()+"/none/summary", repo.String()+"/bad/summary"),
	}
	at := files(t, docs)
	c := newClient(t, fetch.Options{})
	data, target, err := c.Metalink(t.Context(), at.JoinPath("good"), "summary")
	require.NoError(t, err)
	require.Equal(t, summary, string(data))
	require.Equal(t, "here", read(t, target, "x", fetch.GetOptions{}))

	_, _, err = c.Metalink(t.Context(), at.JoinPath("bad"), "summary")
	bad := requireProblem(t, fetch.MetalinkSize, err)
	require.Equal(t, []string{"9", "6"}, []string{bad.Want, bad.Got})
	_, _, err = c.Metalink(t.Context(), at.JoinPath("none"), "summary")
	require.ErrorIs(t, err, fetch.ErrNotFound)
}

func FuzzParseMetalink(f *testing.F) {
	f.Add(metalink("http://archive.example/summary"))
	f.Add("<metalink><files><file name='summary'><size>1</size></file></files></metalink>")
	f.Add("<a>&#x41;<![CDATA[<b>]]><?x y?></a>")
	f.Fuzz(func(t *testing.T, doc string) {
		m, err := fetch.ParseMetalink([]byte(doc), "summary")
		if err != nil {
			requireIsProblem(t, err)
			return
		}
		require.NotEmpty(t, m.URLs)
		require.Equal(t, 64+128, max(64, len(m.SHA256))+max(128, len(m.SHA512)))
		_ = m.Verify([]byte(doc))
	})
}

func requireIsProblem(t *testing.T, err error) {
	t.Helper()
	var bad *fetch.MetalinkError
	require.ErrorAs(t, err, &bad)
}

func FuzzParseMirrorlist(f *testing.F) {
	f.Add("# x\nhttp://archive.example/repo\n\nhttps://b.example\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, u := range fetch.ParseMirrorlist([]byte(text)) {
			require.Contains(t, []string{"http", "https"}, u.Scheme)
			require.NotEmpty(t, u.Host)
		}
	})
}
