package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

const (
	maxMirrorlist = 1 << 20
	maxMirrors    = 1000
	maxConfig     = 1 << 20
)

// A MirrorlistError says that a list of mirrors is of no use.
type MirrorlistError struct {
	URL string
	Err error // nil: it was read, and no mirror in it works
}

// Error implements error.
func (e *MirrorlistError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("list of mirrors %s: %v", e.URL, e.Err)
	}
	return fmt.Sprintf("list of mirrors %s: no mirror in it has a repository", e.URL)
}

// Unwrap returns the cause.
func (e *MirrorlistError) Unwrap() error { return e.Err }

// ParseMirrorlist reads one URL per line and passes over empty lines, comments
// and what is neither HTTP nor HTTPS.
func ParseMirrorlist(data []byte) []*url.URL {
	var urls []*url.URL
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if u, err := ParseURL(line); err == nil && u.Scheme != "file" && len(urls) < maxMirrors {
			urls = append(urls, u)
		}
	}
	return urls
}

// Mirrorlist fetches a list of mirrors and returns a target of those from the
// first one that works onwards. A mirror works if it has got a file "config".
func (c *Client) Mirrorlist(ctx context.Context, list *url.URL) (*Target, error) {
	data, _, err := c.NewTarget(list).ReadAll(ctx, "", GetOptions{MaxSize: maxMirrorlist})
	if interrupted(err) {
		return nil, err
	}
	if err != nil {
		return nil, &MirrorlistError{URL: list.Redacted(), Err: err}
	}
	mirrors := ParseMirrorlist(data)
	for i, u := range mirrors {
		_, _, err := c.NewTarget(u).ReadAll(ctx, "config", GetOptions{MaxSize: maxConfig})
		if err == nil {
			return c.NewTarget(mirrors[i:]...), nil
		}
		if err := ctx.Err(); err != nil {
			return nil, errors.Join(err)
		}
	}
	return nil, &MirrorlistError{URL: list.Redacted()}
}
