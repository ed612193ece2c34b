package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// A body is the content of a file. It hides interruptions: after one it asks for
// the rest.
type body struct {
	target  *Target
	ctx     context.Context //nolint:containedctx // a reader has no other way to get it
	path    string
	options GetOptions

	now      *answer // what is read from; nil after an error
	from     *base   // that sent the bytes so far
	valid    string  // validator of those
	offset   int64   // bytes handed out
	skip     int64   // bytes of now that were handed out already
	failures int     // since the last byte
	err      error   // once set, it stays
	closed   bool
}

// start takes the first answer over.
func (b *body) start(a *answer) (*Response, error) {
	resp := &Response{Size: a.size}
	if a.http != nil && !b.options.Immutable {
		resp.ETag, resp.LastModified = a.http.Header.Get("ETag"), a.lastModified()
	}
	if a.status == statusNotModified {
		a.close()
		resp.NotModified = true
		return resp, nil
	}
	b.now, b.from, b.valid = a, a.base, a.validator()
	resp.Body = b
	return resp, nil
}

const statusNotModified = 304

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	for b.err == nil {
		if b.now == nil {
			b.err = b.resume()
			continue
		}
		n, err := b.now.read(p)
		b.target.client.bytes.Add(int64(n))
		if n > 0 {
			b.failures = 0
		}
		if skipped := min(b.skip, int64(n)); skipped > 0 {
			b.skip -= skipped
			n = copy(p, p[skipped:n])
		}
		b.offset += int64(n)
		if limit := b.options.MaxSize; limit > 0 && b.offset > limit {
			b.err = b.fail(ReasonTooLarge, fmt.Errorf("%w: the limit is %d bytes", errTooLarge, limit))
			return 0, b.err
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			b.err = io.EOF
			if b.skip > 0 {
				b.err = b.fail(ReasonChanged, errChanged)
			}
		default:
			b.broken(err)
		}
		if n > 0 || len(p) == 0 {
			return n, nil
		}
	}
	return 0, b.err
}

// broken drops a connection that gave an error, and decides what comes next.
func (b *body) broken(err error) {
	if b.now.watch.slow() {
		err = errTooSlow
	}
	b.now.close()
	b.now = nil
	if b.ctx.Err() != nil {
		b.err = b.ctx.Err()
		return
	}
	reason := reasonOf(err)
	if b.from.url.Scheme == "file" {
		reason = ReasonFile
	}
	b.err = b.pause(b.fail(reason, err))
}

// resume asks for the rest.
func (b *body) resume() error {
	if b.valid == "" && !b.options.Immutable && b.offset > 0 {
		return b.fail(ReasonChanged, errChanged)
	}
	a, err := b.target.open(b.ctx, b, request{offset: b.offset, base: b.from, validator: b.valid})
	if err != nil {
		return b.pause(err)
	}
	if a.offset == 0 && b.offset > 0 && !b.options.Immutable {
		// The server sent everything, because it has another file now.
		a.close()
		return b.fail(ReasonChanged, errChanged)
	}
	b.skip = b.offset - a.offset
	b.now, b.from, b.valid = a, a.base, a.validator()
	return nil
}

// pause waits before another attempt, or returns the error if there will be none.
func (b *body) pause(err error) error {
	c := b.target.client
	failed, ok := errors.AsType[*Error](err)
	if !ok || !failed.transient(c.reached.Load()) || b.failures >= c.opts.Retries {
		return err
	}
	// Doubling, and varying so that not all clients come back at once.
	wait := c.opts.Backoff << min(b.failures, maxDoublings)
	wait = wait/2 + rand.N(wait)
	if asked, ok := errors.AsType[*pauseError](failed.Err); ok {
		if asked.pause > maxPause {
			return err
		}
		wait = max(wait, asked.pause)
	}
	b.failures++
	timer := time.NewTimer(min(wait, maxPause))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
}

const (
	maxDoublings = 6
	maxPause     = 30 * time.Second
)

func (b *body) fail(reason Reason, err error) error {
	at := b.from
	if at == nil {
		at = b.target.bases[0]
	}
	return &Error{URL: at.at(b.path).Redacted(), Reason: reason, Err: err}
}

// Close implements io.Closer.
func (b *body) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	if b.now != nil {
		if b.err == nil {
			b.now.drain()
		}
		b.now.close()
		b.now = nil
	}
	if b.err == nil {
		b.err = errors.New("fetch " + b.path + ": read after close")
	}
	b.target.client.gate.leave()
	return nil
}

func (a *answer) read(p []byte) (int, error) {
	if a.watch == nil {
		return a.body.Read(p)
	}
	a.watch.wait()
	n, err := a.body.Read(p)
	a.watch.got(n)
	a.count += int64(n)
	return n, err
}

// drain reads a short rest, which costs less than another connection.
func (a *answer) drain() {
	if rest := a.size - a.offset - a.count; a.http != nil && rest >= 0 && rest <= maxErrorBody {
		_, _ = io.Copy(io.Discard, a.body)
	}
}

func (a *answer) close() {
	// The connection is of use for the next file, or it is not: nothing hangs on it.
	_ = a.body.Close()
	if a.watch != nil {
		a.watch.stop()
	}
}
