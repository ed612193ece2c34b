package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxRetryAfter is the longest pause a server may impose.
	maxRetryAfter = 2 * time.Minute
	// maxAttempts bounds requests for one file even if every one of them gets a little further.
	maxAttempts = 1000
)

// retry calls attempt until it succeeds, fails for good, or fails too often in a row without having
// made progress.
func (f *Fetcher) retry(ctx context.Context, target string, attempt func(context.Context) (progress bool, err error)) error {
	failures := 0
	for range maxAttempts {
		progress, err := attempt(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if progress {
			failures = 0
		}
		failures++
		pause := f.pause(failures, err)
		if !transient(err) || failures > f.options.Retries || pause > maxRetryAfter {
			return err
		}
		f.options.Logger.Info("try again", "url", redact(target), "after", pause, "reason", err.Error())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return fmt.Errorf("%s: interrupted more than %d times", redact(target), maxAttempts)
}

// pause doubles with every failure and varies, so that not all clients come back at once. The server
// may ask for a longer one.
func (f *Fetcher) pause(failures int, err error) time.Duration {
	pause := f.options.Backoff << min(failures-1, 6)
	pause = pause/2 + rand.N(pause)
	if after, ok := errors.AsType[*retryAfterError](err); ok {
		pause = max(pause, after.pause(f.options.Clock()))
	}
	return pause
}

// transient tells errors apart that may be gone next time.
func transient(err error) bool {
	var mismatch *HashMismatchError
	var status *StatusError
	var disk *fs.PathError
	var target *url.Error
	var timeout net.Error
	switch {
	case errors.As(err, &mismatch), errors.As(err, &disk), errors.Is(err, unix.ENOSPC):
		return false
	case errors.As(err, &status):
		switch status.Status {
		case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
			http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	case errors.As(err, &timeout) && timeout.Timeout():
		return true
	case errors.As(err, &target):
		// A name that does not exist, a refused redirect or a bad certificate stay what they are.
		var network *net.OpError
		if dns, ok := errors.AsType[*net.DNSError](err); ok {
			return dns.IsTemporary || dns.IsTimeout
		}
		return errors.As(err, &network) || isEOF(err)
	default:
		return true // the connection broke within the body
	}
}

// retryAfterError carries the pause that a server asks for.
type retryAfterError struct {
	error
	value string
}

// Unwrap returns the error without the pause.
func (e *retryAfterError) Unwrap() error { return e.error }

// pause reads seconds or a date, RFC 9110 section 10.2.3.
func (e *retryAfterError) pause(now time.Time) time.Duration {
	if n, err := strconv.Atoi(e.value); err == nil && n >= 0 {
		return min(time.Duration(n)*time.Second, 2*maxRetryAfter)
	}
	if t, err := http.ParseTime(e.value); err == nil {
		return t.Sub(now)
	}
	return 0
}
