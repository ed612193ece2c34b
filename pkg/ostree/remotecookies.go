package ostree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
)

// A Cookie is sent to hosts below a domain, for paths below a path. Cookies of a
// remote are in the file REMOTE.cookies.txt of the repository, in the format
// that curl and Netscape use.
type Cookie = fetch.Cookie

func cookieFile(remote string) string { return remote + ".cookies.txt" }

// Cookies lists the cookies of a remote in the order of their file. What is no
// cookie is passed over.
func (r *Repo) Cookies(remote string) ([]Cookie, error) {
	if !isFragment(remote) {
		return nil, &RemoteNameError{Name: remote}
	}
	jar, err := r.cookieJar(remote)
	if err != nil || jar == nil {
		return nil, err
	}
	return jar.Cookies(), nil
}

// AddCookie adds a cookie to those of a remote, in place of one of the same
// domain, path and name.
func (r *Repo) AddCookie(remote string, c Cookie) error {
	line, err := c.Line()
	if err != nil {
		return err
	}
	return r.changeCookies(remote, func(lines []string) ([]string, error) {
		lines = withoutCookie(lines, c)
		if n := len(lines); n > 0 && !strings.HasSuffix(lines[n-1], "\n") {
			lines[n-1] += "\n"
		}
		return append(lines, line), nil
	})
}

// DeleteCookie removes a cookie. One that does not exist is a
// [*CookieNotFoundError].
func (r *Repo) DeleteCookie(remote, domain, path, name string) error {
	c := Cookie{Domain: strings.ToLower(strings.TrimPrefix(domain, ".")), Path: path, Name: name}
	return r.changeCookies(remote, func(lines []string) ([]string, error) {
		rest := withoutCookie(lines, c)
		if len(rest) == len(lines) {
			return nil, &CookieNotFoundError{Remote: remote, Name: name}
		}
		return rest, nil
	})
}

// changeCookies rewrites the file and keeps lines that are no cookies. Cookies
// are secrets, so only the owner may read them.
func (r *Repo) changeCookies(remote string, change func([]string) ([]string, error)) error {
	if !isFragment(remote) {
		return &RemoteNameError{Name: remote}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	path := filepath.Join(r.path, cookieFile(remote))
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cookies of remote %q: %w", remote, err)
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		lines = append(lines, line)
	}
	if lines, err = change(lines); err != nil {
		return err
	}
	if err := fsx.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		return fmt.Errorf("cookies of remote %q: %w", remote, err)
	}
	return nil
}

func withoutCookie(lines []string, c Cookie) []string {
	var rest []string
	for _, line := range lines {
		if old, ok := fetch.ParseCookie(line); !ok || old.Domain != c.Domain || old.Path != c.Path || old.Name != c.Name {
			rest = append(rest, line)
		}
	}
	return rest
}

// A CookieNotFoundError says that a remote has no such cookie.
type CookieNotFoundError struct{ Remote, Name string }

// Error implements error.
func (e *CookieNotFoundError) Error() string {
	return fmt.Sprintf("remote %q has no cookie %q for that domain and path", e.Remote, e.Name)
}
