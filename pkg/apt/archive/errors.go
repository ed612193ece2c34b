package archive

import (
	"fmt"
	"strings"
)

// Reason says why a release is not trusted.
type Reason string

// The reasons of an [UntrustedError].
const (
	Unsigned     Reason = "unsigned"      // it carries no signature
	BadSignature Reason = "bad-signature" // a signature does not fit the text, or the text is not in the format
	UnknownKey   Reason = "unknown-key"   // it is signed, but by none of the accepted keys
	UnusableKey  Reason = "unusable-key"  // the key is expired, revoked or too weak, or the signature is
	WeakHashes   Reason = "weak-hashes"   // it lists neither SHA256 nor SHA512
	Expired      Reason = "expired"       // Valid-Until is over
	Future       Reason = "future"        // Date has not come yet
	Distrusted   Reason = "distrusted"    // the source says "Trusted: no"
)

// UntrustedError reports a release that must not be used.
type UntrustedError struct {
	// Archive is the release: "URI suite". It is empty until a [Fetcher]'s caller fills it in.
	Archive string
	Reason  Reason
	// Detail says what was found, Remedy what to do about it.
	Detail string
	Remedy string
}

// Error returns "archive A is not trusted: detail; remedy".
func (e *UntrustedError) Error() string {
	var b strings.Builder
	if e.Archive != "" {
		fmt.Fprintf(&b, "archive %s ", e.Archive)
	} else {
		b.WriteString("archive ")
	}
	b.WriteString("is not trusted: " + e.Detail)
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

// HashMismatchError reports a file that is not what its index says, twice in a row.
type HashMismatchError struct {
	URL       string
	Algorithm string // "SHA256", "SHA512" or "size"
	Expected  string
	Got       string
}

// Error names the URL and both values.
func (e *HashMismatchError) Error() string {
	return fmt.Sprintf("%s: hash mismatch: %s is %s, expected %s: the mirror is broken or being updated, or somebody changed the file on its way; try again later or use another mirror",
		e.URL, e.Algorithm, e.Got, e.Expected)
}

// StatusError reports an answer of a server that is not the file.
type StatusError struct {
	URL    string
	Status int // 404; for a file that does not exist as well
	Text   string
}

// Error returns URL and status.
func (e *StatusError) Error() string { return e.URL + ": " + e.Text }

// IsMissing reports whether the file does not exist, as opposed to the server not answering.
func (e *StatusError) IsMissing() bool { return e.Status == 404 || e.Status == 410 }

// ReleaseError reports a verified release that does not have what a source asks for.
type ReleaseError struct {
	Archive string
	Problem string
}

// Error names release and problem.
func (e *ReleaseError) Error() string {
	if e.Archive == "" {
		return "release: " + e.Problem
	}
	return fmt.Sprintf("archive %s: %s", e.Archive, e.Problem)
}
