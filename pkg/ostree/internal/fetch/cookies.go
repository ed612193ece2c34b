package fetch

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Cookie is one line of a cookie file in Netscape's format, which curl and wget
// write.
type Cookie struct {
	Domain     string // host name or address, without leading dot
	Subdomains bool   // also for hosts below Domain
	Path       string // and what is below
	Secure     bool   // only over TLS
	Expires    time.Time
	Name       string
	Value      string
}

const (
	cookieFields   = 7
	httpOnlyPrefix = "#HttpOnly_" // curl's mark of cookies that scripts may not read
)

// ParseCookie reads a line of a cookie file. Comments, empty and malformed lines
// are not ok.
func ParseCookie(line string) (Cookie, bool) {
	line = strings.TrimRight(line, "\r\n")
	if rest, ok := strings.CutPrefix(line, httpOnlyPrefix); ok {
		line = rest
	} else if strings.HasPrefix(line, "#") {
		return Cookie{}, false
	}
	fields := strings.Split(line, "\t")
	if len(fields) != cookieFields {
		return Cookie{}, false
	}
	c := Cookie{
		Domain:     strings.ToLower(strings.TrimLeft(fields[0], ".")),
		Subdomains: fields[1] == "TRUE",
		Path:       fields[2],
		Secure:     fields[3] == "TRUE",
		Name:       fields[5],
		Value:      fields[6],
	}
	seconds, err := strconv.ParseInt(fields[4], 10, 64)
	if err != nil || seconds < 0 || c.Domain == "" || c.Name == "" || !strings.HasPrefix(c.Path, "/") ||
		!printable(c.Domain) || !printable(c.Path) || !printable(c.Name) || !printable(c.Value) || strings.ContainsAny(c.Name, "=; ") || strings.Contains(c.Value, ";") {
		return Cookie{}, false
	}
	if seconds > 0 {
		c.Expires = time.Unix(seconds, 0)
	}
	return c, true
}

// printable keeps what cannot stand in a header field out.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// Line returns the cookie as a line of a file, or an error if it could not be
// read back.
func (c Cookie) Line() (string, error) {
	domain, seconds := c.Domain, int64(0)
	if c.Subdomains {
		domain = "." + domain
	}
	if !c.Expires.IsZero() {
		seconds = c.Expires.Unix()
	}
	line := strings.Join([]string{domain, truth(c.Subdomains), c.Path, truth(c.Secure), strconv.FormatInt(seconds, 10), c.Name, c.Value}, "\t") + "\n"
	if _, ok := ParseCookie(line); !ok {
		return "", fmt.Errorf("cookie %q of %q: the domain, a path that begins with a slash, the name and the value must be plain text", c.Name, c.Domain)
	}
	return line, nil
}

func truth(b bool) string {
	if b {
		return "TRUE"
	}
	return "FALSE"
}

// matches says whether the cookie goes with a request, RFC 6265 sections 5.1.3
// and 5.1.4.
func (c *Cookie) matches(u *url.URL, now time.Time) bool {
	if c.Secure && u.Scheme != "https" || !c.Expires.IsZero() && now.After(c.Expires) {
		return false
	}
	host := strings.ToLower(u.Hostname())
	if host != c.Domain && !(c.Subdomains && strings.HasSuffix(host, "."+c.Domain) && net.ParseIP(host) == nil) {
		return false
	}
	path := u.Path
	if path == "" {
		path = "/"
	}
	rest, ok := strings.CutPrefix(path, c.Path)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(c.Path, "/"))
}

// A Jar holds the cookies of a file.
type Jar struct{ cookies []Cookie }

// ParseJar reads a cookie file and passes over what is no cookie.
func ParseJar(data []byte) *Jar {
	j := new(Jar)
	for line := range strings.Lines(string(data)) {
		if c, ok := ParseCookie(line); ok {
			j.cookies = append(j.cookies, c)
		}
	}
	return j
}

// Cookies returns them in the order of the file.
func (j *Jar) Cookies() []Cookie { return j.cookies }

// header returns the field Cookie of a request, or nothing.
func (j *Jar) header(u *url.URL) string {
	if j == nil || len(j.cookies) == 0 {
		return ""
	}
	var text strings.Builder
	now := time.Now()
	for i := range j.cookies {
		if c := &j.cookies[i]; c.matches(u, now) {
			if text.Len() > 0 {
				text.WriteString("; ")
			}
			text.WriteString(c.Name + "=" + c.Value)
		}
	}
	return text.String()
}
