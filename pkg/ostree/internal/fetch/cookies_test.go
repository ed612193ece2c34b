package fetch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
)

const jar = `# Netscape HTTP Cookie File
127.0.0.1	FALSE	/	FALSE	2584573129	foo	bar
#HttpOnly_127.0.0.1	FALSE	/repo	FALSE	0	only	http
127.0.0.1	FALSE	/	FALSE	17	expired	yes
127.0.0.1	FALSE	/	TRUE	0	secure	yes
127.0.0.1	FALSE	/re	FALSE	0	prefix	no
.0.0.1	TRUE	/	FALSE	0	address	no
other.example	FALSE	/	FALSE	0	host	no
broken
127.0.0.1	FALSE	/	FALSE	0	inject	a` + "\x01" + `b
`

func TestCookiesAreSent(t *testing.T) {
	t.Parallel()
	at := serve(t, echo)
	c := newClient(t, fetch.Options{Jar: fetch.ParseJar([]byte(jar))})
	text := read(t, c.NewTarget(at), "repo/x", fetch.GetOptions{})
	require.Contains(t, text, "\r\nCookie: foo=bar; only=http\r\n")
	text = read(t, c.NewTarget(at), "else", fetch.GetOptions{})
	require.Contains(t, text, "\r\nCookie: foo=bar\r\n")
}

func TestCookieLines(t *testing.T) {
	t.Parallel()
	cookie := fetch.Cookie{
		Domain: "archive.example", Subdomains: true, Path: "/x", Secure: true,
		Expires: time.Unix(2584573129, 0), Name: "k", Value: "a value",
	}
	line, err := cookie.Line()
	require.NoError(t, err)
	require.Equal(t, ".archive.example\tTRUE\t/x\tTRUE\t2584573129\tk\ta value\n", line)
	back, ok := fetch.ParseCookie(line)
	require.True(t, ok)
	require.Equal(t, cookie, back)
	for _, change := range []func(*fetch.Cookie){
		func(c *fetch.Cookie) { c.Domain = "" },
		func(c *fetch.Cookie) { c.Domain = "a\tb" },
		func(c *fetch.Cookie) { c.Domain = "#a" },
		func(c *fetch.Cookie) { c.Path = "x" },
		func(c *fetch.Cookie) { c.Name = "" },
		func(c *fetch.Cookie) { c.Name = "a=b" },
		func(c *fetch.Cookie) { c.Value = "a\nb" },
		func(c *fetch.Cookie) { c.Value = "a; b=c" },
	} {
		c := cookie
		change(&c)
		c.Subdomains = false
		_, err := c.Line()
		require.Error(t, err, "%+v", c)
	}
}

func FuzzParseCookie(f *testing.F) {
	for line := range strings.Lines(jar) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, ok := fetch.ParseCookie(line)
		if !ok {
			return
		}
		again, err := c.Line()
		if err != nil {
			return // such as a domain with another dot in front
		}
		back, ok := fetch.ParseCookie(again)
		require.True(t, ok)
		require.Equal(t, c, back)
		require.NotContains(t, c.Name+c.Value, "\n")
	})
}
