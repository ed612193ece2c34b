package sign

import (
	"fmt"
	"strings"
	"time"
)

// A Signature is what is known about one OpenPGP signature. It is valid if no
// problem is set.
type Signature struct {
	// Blob is the position of the signature in the list that was checked; one
	// entry of the list may hold several.
	Blob int
	// Fingerprint is that of the key or subkey that signed. If the key is missing
	// it is what the signature says, which may be no more than a key ID.
	Fingerprint string
	// Primary is the fingerprint of the primary key, empty if the key is missing.
	Primary   string
	Algorithm string // such as "RSA"
	Hash      string // such as "SHA256"
	UserName  string // of the key, empty if it has none
	UserEmail string

	Created        time.Time
	Expires        time.Time // the signature; zero: never
	KeyExpires     time.Time // the key that signed; zero: never
	PrimaryExpires time.Time // its primary key; zero: never
	Checked        time.Time // when it was looked at

	// Missing: no key of the keyring made it, so that nothing can be said.
	Missing bool
	// Expired, KeyExpired and KeyRevoked: a key of the keyring made it, but it
	// is worth nothing any more.
	Expired    bool
	KeyExpired bool
	KeyRevoked bool
	// Err is any other reason not to accept it, such as that it belongs to other
	// data.
	Err error
}

// Valid says whether a key of the keyring made the signature and both are still
// good.
func (s Signature) Valid() bool {
	return !s.Missing && !s.Expired && !s.KeyExpired && !s.KeyRevoked && s.Err == nil
}

// problem says why it is not valid.
func (s Signature) problem() string {
	switch {
	case s.Missing:
		return "no such key in the keyring"
	case s.Err != nil:
		return s.Err.Error()
	case s.KeyRevoked:
		return "the key was revoked"
	case s.KeyExpired:
		return "the key has expired"
	case s.Expired:
		return "the signature has expired"
	default:
		return "valid"
	}
}

// String says in a few words what the signature is.
func (s Signature) String() string {
	return fmt.Sprintf("by key %s: %s", keyID(s.Fingerprint), s.problem())
}

// keyID returns the long key ID at the end of a fingerprint.
func keyID(fingerprint string) string {
	return fingerprint[max(0, len(fingerprint)-16):]
}

// Describe returns the lines with which the ostree tool describes a signature,
// which resemble gpg's. Each begins with prefix and ends with a newline. A nil
// zone means UTC.
func (s Signature) Describe(prefix string, zone *time.Location) string {
	lines := []string{
		fmt.Sprintf("Signature made %s using %s key ID %s", formatTime(s.Created, zone), s.Algorithm, keyID(s.Fingerprint)),
		s.verdict(),
	}
	subkey := s.Primary != s.Fingerprint
	if subkey && !s.Missing {
		lines = append(lines, "Primary key ID "+keyID(s.Primary))
	}
	for _, e := range []struct {
		what string
		at   time.Time
	}{{"Signature", s.Expires}, {"Key", s.KeyExpires}, {"Primary key", s.PrimaryExpires}} {
		if e.at.IsZero() || e.what == "Primary key" && !subkey {
			continue
		}
		verb := "expires"
		if !s.Checked.Before(e.at) {
			verb = "expired"
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", e.what, verb, formatTime(e.at, zone)))
	}
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(prefix + line + "\n")
	}
	return b.String()
}

func (s Signature) verdict() string {
	name, email := s.UserName, s.UserEmail
	if s.Primary == "" {
		name, email = "[unknown name]", "[unknown email]"
	}
	switch {
	case s.Missing:
		return "Can't check signature: public key not found"
	case s.Valid():
		return fmt.Sprintf("Good signature from \"%s <%s>\"", name, email)
	case s.KeyRevoked:
		return "Key revoked"
	case s.Expired:
		return fmt.Sprintf("Expired signature from \"%s <%s>\"", name, email)
	default:
		return fmt.Sprintf("BAD signature from \"%s <%s>\"", name, email)
	}
}

// formatTime is what "%c" gives in the locale C.
func formatTime(t time.Time, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("Mon Jan _2 15:04:05 2006")
}
