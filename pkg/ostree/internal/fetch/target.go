package fetch

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// A SchemeError says that a URL is of a kind that cannot be fetched.
type SchemeError struct{ URL string }

// Error implements error.
func (e *SchemeError) Error() string {
	return fmt.Sprintf("%q does not begin with http://, https:// or file://", e.URL)
}

// ParseURL reads the URL of a place. A URL of another scheme is a [*SchemeError].
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "file":
		if u.Host != "" && u.Host != "localhost" {
			return nil, fmt.Errorf("%s: the host of a file must be empty", u.Redacted())
		}
	case "http", "https":
		if u.Host == "" {
			return nil, fmt.Errorf("%s: there is no host", u.Redacted())
		}
	default:
		return nil, &SchemeError{URL: text}
	}
	return u, nil
}

// A Target is a place that holds files, at one or more base URLs.
type Target struct {
	client *Client
	bases  []*base
	first  atomic.Int32 // index of the base to ask first
}

// A base is one of the URLs of a target.
type base struct {
	url  url.URL // without user
	auth string  // value of the field Authorization
	dir  string  // of a file URL
}

// NewTarget returns the place that holds the same files at each of the URLs, of
// which there must be one at least. They are asked in this order.
func (c *Client) NewTarget(urls ...*url.URL) *Target {
	t := &Target{client: c}
	for _, u := range urls {
		t.bases = append(t.bases, newBase(u))
	}
	return t
}

func newBase(u *url.URL) *base {
	b := &base{url: *u}
	if u.Scheme == "file" {
		b.dir = u.Path
		return b
	}
	if u.User != nil {
		password, _ := u.User.Password()
		b.auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
		b.url.User = nil
	}
	b.url.Path, b.url.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	if b.url.Path != "" && b.url.Path[0] != '/' {
		b.url.Path, b.url.RawPath = "/"+b.url.Path, ""
	}
	b.url.Fragment, b.url.RawFragment = "", ""
	return b
}

// at returns the URL of a file. Path is relative; empty means the base itself.
func (b *base) at(path string) *url.URL {
	u := b.url
	if path == "" {
		return &u
	}
	u.Path += "/" + path
	if u.RawPath != "" {
		u.RawPath += "/" + (&url.URL{Path: path}).EscapedPath()
	}
	return &u
}

// URL returns where a file is, at the first base.
func (t *Target) URL(path string) string {
	if len(t.bases) == 0 {
		return path
	}
	return t.bases[0].at(path).String()
}

// GetOptions say how to get one file. The zero value is useful.
type GetOptions struct {
	// Priority orders requests that wait for their turn.
	Priority Priority
	// MaxSize is the number of bytes that may come. Zero means any.
	MaxSize int64
	// Immutable says that the path names the content, so that its parts may come
	// from different servers and times. The caller verifies the whole.
	Immutable bool
	// ETag and LastModified are what an earlier response said. If the file is
	// still the same the response is NotModified and has no body.
	ETag         string
	LastModified time.Time
	// Buffer is what ReadAll may write into.
	Buffer []byte
}

// A Response is a file that is coming, or the news that it has not changed.
type Response struct {
	// Body must be closed; until then it takes one of the client's places. A
	// goroutine that waits for another file meanwhile may wait for ever.
	Body io.ReadCloser
	// Size is the length of the body if the server said so, or -1.
	Size int64
	// ETag and LastModified are what the server said of the version, if it did and
	// the file is not immutable.
	ETag         string
	LastModified time.Time
	NotModified  bool
}

// Get asks for a file. Errors are [*Error], or those of ctx. Path is relative and
// clean; empty means the base URL itself.
func (t *Target) Get(ctx context.Context, path string, o GetOptions) (*Response, error) {
	if err := t.client.gate.enter(ctx, o.Priority); err != nil {
		return nil, err
	}
	resp, err := t.get(ctx, path, o)
	if err != nil || resp.NotModified {
		t.client.gate.leave()
	}
	return resp, err
}

func (t *Target) get(ctx context.Context, path string, o GetOptions) (*Response, error) {
	b := &body{target: t, ctx: ctx, path: path, options: o}
	for {
		a, err := t.open(ctx, b, request{})
		if err == nil {
			return b.start(a)
		}
		if err := b.pause(err); err != nil {
			return nil, err
		}
	}
}

// ReadAll reads a whole file. The data is in the options' buffer if it fits. It
// is nil if the file has not changed.
func (t *Target) ReadAll(ctx context.Context, path string, o GetOptions) ([]byte, *Response, error) {
	for changes := 0; ; changes++ {
		resp, err := t.Get(ctx, path, o)
		if err != nil || resp.NotModified {
			return nil, resp, err
		}
		data, err := readBody(resp, o)
		// What changed within one transfer is read again from the start.
		var failed *Error
		if errors.As(err, &failed) && failed.Reason == ReasonChanged && changes < t.client.opts.Retries {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		return data, resp, nil
	}
}

// maxTrusted is the largest size that memory is set aside for because a server says so.
const maxTrusted = 1 << 20

func readBody(resp *Response, o GetOptions) ([]byte, error) {
	data := o.Buffer[:0]
	if want := int(min(resp.Size, maxTrusted)) + 1; cap(data) < want {
		data = make([]byte, 0, want)
	}
	for {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := resp.Body.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if errors.Is(err, io.EOF) {
			return data, resp.Body.Close()
		}
		if err != nil {
			return nil, errors.Join(err, resp.Body.Close())
		}
	}
}

// A request is one attempt at a file, or at the rest of it.
type request struct {
	offset    int64
	base      *base  // that sent what is before offset
	validator string // of that, for If-Range
}

// An answer is what one base sent.
type answer struct {
	base   *base
	http   *http.Response // nil for a file
	body   io.ReadCloser
	size   int64 // of the whole file, or -1
	offset int64 // of the first byte of body
	count  int64 // bytes read of body
	watch  *watch
	status int
}

// open asks the bases in turn. The file is missing if one of them says so, unless
// another one may have it when asked again.
func (t *Target) open(ctx context.Context, b *body, r request) (*answer, error) {
	first := int(t.first.Load())
	var worst *Error
	for i := range t.bases {
		index := (first + i) % len(t.bases)
		current := t.bases[index]
		if r.base != nil && r.base != current && !b.options.Immutable {
			continue
		}
		a, err := t.client.ask(ctx, current, b, r)
		if err == nil {
			return a, nil
		}
		if interrupted(err) || ctx.Err() != nil {
			return nil, cmp.Or(ctx.Err(), err)
		}
		failed, ok := errors.AsType[*Error](err)
		if !ok {
			return nil, err
		}
		if worst == nil || failed.rank() >= worst.rank() {
			worst = failed
		}
		// Do not ask again and again a server that cannot be reached.
		if failed.unreachable() {
			t.first.CompareAndSwap(int32(index), int32((index+1)%len(t.bases))) //nolint:gosec // a list of servers is short
		}
	}
	if worst == nil {
		return nil, errors.New("fetch " + b.path + ": there is no server to ask")
	}
	return nil, worst
}
