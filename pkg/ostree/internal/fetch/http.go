package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxRedirects is how many redirects a request may take.
const maxRedirects = 10

// ask sends one request and returns an answer whose status is 200, 206 or 304.
func (c *Client) ask(ctx context.Context, at *base, b *body, r request) (*answer, error) {
	if at.url.Scheme == "file" {
		return c.openFile(at, b, r)
	}
	u := at.at(b.path)
	watched, w := newWatch(ctx, c.opts.LowSpeed, c.opts.LowSpeedTime)
	resp, err := c.follow(watched, u, c.fields(at, u, b.options, r))
	if err != nil {
		if w.slow() {
			err = errTooSlow
		}
		w.stop()
		return nil, wrap(ctx, u, err)
	}
	w.got(0)
	c.reached.Store(true)
	a := &answer{base: at, http: resp, body: resp.Body, watch: w, status: resp.StatusCode, offset: r.offset}
	if err := a.check(u, b.options, r); err != nil {
		// A short body is read so that the connection can be used again.
		_, _ = io.CopyN(io.Discard, resp.Body, maxErrorBody)
		_ = resp.Body.Close()
		w.stop()
		return nil, err
	}
	return a, nil
}

const maxErrorBody = 16 << 10

// fields returns what to send. The map that requests share is copied only if
// there is something to add.
func (c *Client) fields(at *base, u *url.URL, o GetOptions, r request) http.Header {
	cookies := c.opts.Jar.header(u)
	conditional := r.offset == 0 && (o.ETag != "" || !o.LastModified.IsZero())
	if at.auth == "" && cookies == "" && !conditional && r.offset == 0 {
		return c.header
	}
	h := c.header.Clone()
	if at.auth != "" && h.Get("Authorization") == "" {
		h.Set("Authorization", at.auth)
	}
	if cookies != "" {
		h.Add("Cookie", cookies)
	}
	if conditional {
		if o.ETag != "" {
			h.Set("If-None-Match", o.ETag)
		}
		if !o.LastModified.IsZero() {
			h.Set("If-Modified-Since", o.LastModified.UTC().Format(http.TimeFormat))
		}
	}
	if r.offset > 0 {
		h.Set("Range", "bytes="+strconv.FormatInt(r.offset, 10)+"-")
		if r.validator != "" && r.base == at {
			h.Set("If-Range", r.validator)
		}
	}
	return h
}

// follow sends a request and what redirects ask for instead. Credentials stay
// with the host that they are for.
func (c *Client) follow(ctx context.Context, u *url.URL, h http.Header) (*http.Response, error) {
	origin := u
	for range maxRedirects + 1 {
		req := (&http.Request{
			Method: http.MethodGet, URL: u, Host: u.Host, Header: h,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		}).WithContext(ctx)
		c.requests.Add(1)
		resp, err := c.transport.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		next, err := redirect(u, resp)
		if next == nil {
			return resp, err
		}
		if next.Host != origin.Host || next.Scheme != origin.Scheme {
			h = h.Clone()
			h.Del("Authorization")
			h.Del("Cookie")
			if cookies := c.opts.Jar.header(next); cookies != "" {
				h.Set("Cookie", cookies)
			}
		}
		u = next
	}
	return nil, errRedirects
}

// redirect returns where a response sends us, and nil if it is not a redirect.
func redirect(u *url.URL, resp *http.Response) (*url.URL, error) {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil //nolint:nilnil // it is in the contract
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxErrorBody)
	_ = resp.Body.Close()
	next, err := u.Parse(resp.Header.Get("Location"))
	if err != nil {
		return nil, &redirectError{fmt.Errorf("a redirect whose target cannot be read: %w", err)}
	}
	if (next.Scheme != "http" && next.Scheme != "https") || next.Host == "" {
		return nil, &redirectError{fmt.Errorf("a redirect to %s is not followed", next.Redacted())}
	}
	next.User = nil
	return next, nil
}

type redirectError struct{ error }

// wrap says which file was not fetched. What the caller's context says wins.
func wrap(ctx context.Context, u *url.URL, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	reason := reasonOf(err)
	var refused *redirectError
	if errors.As(err, &refused) || errors.Is(err, errRedirects) {
		reason = ReasonRedirect
	}
	return &Error{URL: u.Redacted(), Reason: reason, Err: err}
}

// check reads the head of the response.
func (a *answer) check(u *url.URL, o GetOptions, r request) error {
	resp := a.http
	a.size = resp.ContentLength
	switch {
	case resp.StatusCode == http.StatusOK:
		a.offset = 0
	case resp.StatusCode == http.StatusPartialContent && r.offset > 0:
		start, size, ok := parseContentRange(resp.Header.Get("Content-Range"))
		if !ok || start != r.offset {
			return &Error{URL: u.Redacted(), Reason: ReasonReceive, Err: fmt.Errorf("wrong range %q", resp.Header.Get("Content-Range"))}
		}
		a.size = size
	case resp.StatusCode == http.StatusNotModified && r.offset == 0 && (o.ETag != "" || !o.LastModified.IsZero()):
		return nil
	default:
		return &Error{URL: u.Redacted(), Reason: ReasonStatus, Status: resp.StatusCode, Err: retryAfter(resp.Header.Get("Retry-After"))}
	}
	if o.MaxSize > 0 && a.size > o.MaxSize {
		return &Error{URL: u.Redacted(), Reason: ReasonTooLarge, Err: fmt.Errorf("%w: %d bytes, the limit is %d", errTooLarge, a.size, o.MaxSize)}
	}
	return nil
}

// validator returns what can tell whether the file is still the same, RFC 9110
// section 13.1.5: a strong tag, or else the date.
func (a *answer) validator() string {
	if a.http == nil {
		return ""
	}
	if tag := a.http.Header.Get("ETag"); strings.HasPrefix(tag, `"`) {
		return tag
	}
	return a.http.Header.Get("Last-Modified")
}

func (a *answer) lastModified() time.Time {
	if t, err := http.ParseTime(a.http.Header.Get("Last-Modified")); err == nil {
		return t
	}
	return time.Time{}
}

// parseContentRange reads "bytes START-END/SIZE"; the size is -1 when it is "*".
func parseContentRange(text string) (start, size int64, ok bool) {
	text, ok = strings.CutPrefix(text, "bytes ")
	span, total, found := strings.Cut(text, "/")
	from, to, dash := strings.Cut(span, "-")
	start, err := strconv.ParseInt(from, 10, 64)
	end, err2 := strconv.ParseInt(to, 10, 64)
	if !ok || !found || !dash || err != nil || err2 != nil || start < 0 || end < start {
		return 0, 0, false
	}
	if total == "*" {
		return start, -1, true
	}
	size, err = strconv.ParseInt(total, 10, 64)
	return start, size, err == nil && size > end
}

// retryAfter keeps the pause that a server asks for, RFC 9110 section 10.2.3.
func retryAfter(value string) error {
	if n, err := strconv.Atoi(value); err == nil && n > 0 {
		return &pauseError{time.Duration(min(n, 3600)) * time.Second}
	}
	return nil
}

type pauseError struct{ pause time.Duration }

// Error implements error.
func (e *pauseError) Error() string { return "try again in " + e.pause.String() }
