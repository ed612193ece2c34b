package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"

	"golang.org/x/sys/unix"
)

// ErrNotFound is what an [*Error] is when the server, or the directory, has not
// got the file.
var ErrNotFound = errors.New("not found")

// A Reason says in which way a request failed.
type Reason string

// The reasons.
const (
	ReasonStatus      Reason = "status"      // the server answered with an error, see Error.Status
	ReasonResolve     Reason = "resolve"     // the server's or proxy's name has no address
	ReasonConnect     Reason = "connect"     // no connection
	ReasonTimeout     Reason = "timeout"     // nothing came for too long, or too slowly
	ReasonTLS         Reason = "tls"         // no agreement on encryption
	ReasonCertificate Reason = "certificate" // the server is not who it says
	ReasonPartial     Reason = "partial"     // the connection ended within the body
	ReasonReceive     Reason = "receive"     // the connection broke
	ReasonTooLarge    Reason = "too-large"   // more bytes than may come
	ReasonRedirect    Reason = "redirect"    // too many redirects, or to somewhere forbidden
	ReasonChanged     Reason = "changed"     // the file changed while it was read
	ReasonFile        Reason = "file"        // reading a local file failed
)

// An Error says that a file was not fetched.
type Error struct {
	URL    string // without password
	Reason Reason
	Status int // of HTTP, with ReasonStatus
	Err    error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Reason == ReasonStatus {
		return fmt.Sprintf("fetch %s: server answered %d %s", e.URL, e.Status, http.StatusText(e.Status))
	}
	return fmt.Sprintf("fetch %s: %v", e.URL, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes it equal to [ErrNotFound]. Object stores answer 403 for what they have
// not got to callers that may not list.
func (e *Error) Is(target error) bool {
	if target != ErrNotFound {
		return false
	}
	switch e.Status {
	case http.StatusNotFound, http.StatusGone, http.StatusForbidden:
		return true
	}
	return e.Reason == ReasonFile && (errors.Is(e.Err, fs.ErrNotExist) || errors.Is(e.Err, unix.ENOTDIR))
}

var (
	errTooSlow   = errors.New("the transfer was slower than the limit for too long")
	errTooLarge  = errors.New("the file is larger than it may be")
	errRedirects = errors.New("too many redirects")
	errChanged   = errors.New("the file changed while it was read")
)

// reasonOf classifies what net/http returns.
func reasonOf(err error) Reason {
	var (
		timeout net.Error
		dns     *net.DNSError
		op      *net.OpError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		cert    *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.Is(err, errTooSlow):
		return ReasonTimeout
	case errors.As(err, &dns):
		return ReasonResolve
	case errors.As(err, &cert), errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid):
		return ReasonCertificate
	case errors.As(err, &record), errors.As(err, &alert), errors.As(err, &op) && op.Op == "remote error":
		return ReasonTLS
	case errors.As(err, &timeout) && timeout.Timeout():
		return ReasonTimeout
	case errors.As(err, &op) && op.Op == "dial", errors.Is(err, unix.ECONNREFUSED):
		return ReasonConnect
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ReasonPartial
	default:
		return ReasonReceive
	}
}

// transient tells errors that may be gone next time from those that stay.
// Reached says whether a server has answered this client before: an address
// that never did is wrong, one that did will be back.
func (e *Error) transient(reached bool) bool {
	switch e.Reason {
	case ReasonStatus:
		switch e.Status {
		case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	case ReasonTimeout, ReasonPartial, ReasonReceive, ReasonChanged:
		return true
	case ReasonConnect:
		return reached
	case ReasonResolve:
		dns, ok := errors.AsType[*net.DNSError](e.Err)
		return ok && (dns.IsTemporary || dns.IsTimeout || reached)
	default:
		return false
	}
}

// unreachable says that there was no server to talk to.
func (e *Error) unreachable() bool { return e.Reason == ReasonConnect || e.Reason == ReasonResolve }

// rank orders the errors of several servers by how much they say about the file.
func (e *Error) rank() int {
	switch {
	case e.transient(false):
		return 2
	case errors.Is(e, ErrNotFound):
		return 1
	default:
		return 0
	}
}

// interrupted says that the caller gave up.
func interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
