package ostree

import (
	"fmt"
	"strings"
)

// A Refspec names a ref: a local one, or one of a remote.
type Refspec struct {
	Remote string // empty for a local ref
	Ref    string // such as "debian/12/amd64"
}

// ParseRefspec reads "REMOTE:REF" or "REF". The elements of a ref, which slashes
// separate, begin with a letter, digit or underscore and may go on with those,
// dots and dashes.
func ParseRefspec(s string) (Refspec, error) {
	remote, ref, ok := strings.Cut(s, ":")
	if !ok {
		remote, ref = "", s
	}
	if ok && !isFragment(remote) || !isRef(ref) {
		return Refspec{}, &RefspecError{Text: s}
	}
	return Refspec{Remote: remote, Ref: ref}, nil
}

// String returns "REMOTE:REF" or "REF".
func (r Refspec) String() string {
	if r.Remote == "" {
		return r.Ref
	}
	return r.Remote + ":" + r.Ref
}

// IsZero reports whether r is the zero Refspec.
func (r Refspec) IsZero() bool { return r == Refspec{} }

// check tells whether the ref can be written. One that looks like a checksum
// could never be read again.
func (r Refspec) check() error {
	if parsed, err := ParseRefspec(r.String()); err != nil || parsed != r {
		return &RefspecError{Text: r.String()}
	}
	if isChecksum(r.Ref) {
		return fmt.Errorf("ref %q has the form of a checksum", r.Ref)
	}
	return nil
}

// A RefspecError says that a text cannot name a ref.
type RefspecError struct{ Text string }

// Error implements error.
func (e *RefspecError) Error() string {
	return fmt.Sprintf("%q is not a refspec of the form [REMOTE:]REF", e.Text)
}

// path is where the ref lies below the directory refs.
func (r Refspec) path() string {
	if r.Remote == "" {
		return "heads/" + r.Ref
	}
	return "remotes/" + r.Remote + "/" + r.Ref
}

func isRef(s string) bool {
	for fragment := range strings.SplitSeq(s, "/") {
		if !isFragment(fragment) {
			return false
		}
	}
	return true
}

func isFragment(s string) bool {
	if s == "" || s[0] == '-' || s[0] == '.' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
		if !letter && c != '-' && c != '.' {
			return false
		}
	}
	return true
}
