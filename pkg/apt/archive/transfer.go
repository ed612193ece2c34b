package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// transfer brings part to its full length, in as many requests as it takes, and checks it.
func (f *Fetcher) transfer(ctx context.Context, item Item, part *partial, t *track) error {
	u, err := url.Parse(item.URL)
	if err != nil {
		return err
	}
	switch u.Scheme {
	case "file", "copy":
		err = copyLocal(ctx, localPath(u), part, t)
	case "http", "https":
		if part.size < item.Size || item.Size < 0 || part.size == 0 {
			err = f.retry(ctx, item.URL, func(ctx context.Context) (bool, error) { return f.download(ctx, item, part, t) })
		}
	default:
		err = fmt.Errorf("scheme %q is not supported; there are http, https and file", u.Scheme)
	}
	if err != nil {
		return err
	}
	return part.check(redact(item.URL))
}

// download makes one request for what is missing. It reports whether it got any further.
func (f *Fetcher) download(ctx context.Context, item Item, part *partial, t *track) (progress bool, err error) {
	from := part.size
	header := make(http.Header)
	if from > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	ctx, w := f.watch(ctx)
	defer w.stop()
	response, err := f.request(ctx, item.URL, header)
	if err != nil {
		return false, explain(ctx, err)
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusPartialContent && from > 0 && startsAt(response, from):
	case response.StatusCode == http.StatusOK:
		// All of it, although less was asked for.
		if from > 0 {
			if err := part.reset(); err != nil {
				return false, err
			}
			t.restart()
			from = 0
		}
	case from > 0 && (response.StatusCode == http.StatusRequestedRangeNotSatisfiable || response.StatusCode == http.StatusPartialContent):
		// The server has another file than we have the beginning of.
		t.restart()
		return false, errors.Join(errRange, part.reset())
	default:
		return false, statusError(item.URL, response)
	}
	if length := response.ContentLength; length >= 0 && item.Size >= 0 && from+length != item.Size {
		return false, &HashMismatchError{URL: redact(item.URL), Algorithm: "size", Expected: fmt.Sprint(item.Size), Got: fmt.Sprint(from + length)}
	}
	err = copyBody(part, w.reader(response.Body), item.Size, t)
	return part.size > from, explain(ctx, err)
}

// errRange makes retry ask for the whole file.
var errRange = errors.New("the server cannot continue the transfer")

// copyBody appends r to part, up to size bytes in all, and reports an end that came too early.
func copyBody(part *partial, r io.Reader, size int64, t *track) error {
	if size >= 0 {
		// One byte more shows that the file is too long.
		r = io.LimitReader(r, size-part.size+1)
	}
	_, err := io.Copy(io.MultiWriter(part, t), r)
	if err == nil && size >= 0 && part.size < size {
		return io.ErrUnexpectedEOF
	}
	return err
}

// startsAt checks the offset of a partial answer.
func startsAt(response *http.Response, from int64) bool {
	value, ok := strings.CutPrefix(response.Header.Get("Content-Range"), "bytes ")
	if !ok {
		return false
	}
	start, _, _ := strings.Cut(value, "-")
	n, err := strconv.ParseInt(start, 10, 64)
	return err == nil && n == from
}

// request makes a request and returns the answer, whatever its status.
func (f *Fetcher) request(ctx context.Context, target string, header http.Header) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	maps.Copy(r.Header, header)
	r.Header.Set("User-Agent", userAgent)
	if f.options.Authorize != nil {
		f.options.Authorize(r)
	}
	return f.client.Do(r)
}

// statusError describes an answer that is not what was asked for.
func statusError(target string, response *http.Response) error {
	err := &StatusError{URL: redact(target), Status: response.StatusCode, Text: response.Status}
	if after := response.Header.Get("Retry-After"); after != "" {
		return &retryAfterError{error: err, value: after}
	}
	return err
}

// copyLocal copies a file of this machine. It is copied so that it cannot change after it was
// checked.
func copyLocal(ctx context.Context, path string, part *partial, t *track) error {
	if err := part.reset(); err != nil {
		return err
	}
	t.restart()
	in, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return &StatusError{URL: "file:" + path, Status: http.StatusNotFound, Text: "no such file"}
	}
	if err != nil {
		return err
	}
	defer in.Close()
	err = copyBody(part, &contextReader{ctx, in}, part.want.Size, t)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil // the check of the size says it better
	}
	return err
}

// localPath returns the path of a file URI, which may be written file:/x and file:///x.
func localPath(u *url.URL) string {
	if u.Opaque != "" {
		return filepath.Clean("/" + u.Opaque)
	}
	return filepath.Clean(u.Path)
}

// contextReader ends a long copy when it is no longer wanted.
type contextReader struct {
	ctx context.Context //nolint:containedctx // it lives as long as one call
	r   io.Reader
}

// Read reads unless the context is done.
func (c *contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// watcher ends a request when the server sends nothing for too long.
type watcher struct {
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration
}

// stallError is transient, unlike the cancellation it causes.
type stallError struct{ limit time.Duration }

// Error says how long nothing came.
func (e *stallError) Error() string { return fmt.Sprintf("nothing received for %s", e.limit) }

func (f *Fetcher) watch(ctx context.Context) (context.Context, *watcher) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watcher{limit: f.options.Stall, cancel: cancel}
	w.timer = time.AfterFunc(w.limit, func() { cancel(&stallError{w.limit}) })
	return ctx, w
}

func (w *watcher) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// explain replaces the error of a cancelled request by the reason for it.
func explain(ctx context.Context, err error) error {
	var stall *stallError
	if err != nil && errors.As(context.Cause(ctx), &stall) {
		return stall
	}
	return err
}

// reader resets the timer with everything that arrives.
func (w *watcher) reader(r io.Reader) io.Reader { return &watchedReader{w, r} }

type watchedReader struct {
	watcher *watcher
	r       io.Reader
}

// Read reads and resets the timer.
func (r *watchedReader) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	if n > 0 {
		r.watcher.timer.Reset(r.watcher.limit)
	}
	return n, err
}
