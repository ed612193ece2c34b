package ostree

import (
	"encoding/hex"
	"fmt"
)

// A Checksum is the SHA-256 that names an object. The zero Checksum means none.
type Checksum [32]byte

// ParseChecksum reads the form used in file names and refs: 64 lower-case
// hexadecimal digits.
func ParseChecksum(s string) (Checksum, error) {
	var c Checksum
	if !isChecksum(s) {
		return c, fmt.Errorf("%q is not a checksum: it needs 64 lower-case hexadecimal digits", s)
	}
	_, err := hex.Decode(c[:], []byte(s))
	return c, err
}

func isChecksum(s string) bool { return len(s) == 64 && isHex(s) }

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// String returns the 64 lower-case hexadecimal digits.
func (c Checksum) String() string { return hex.EncodeToString(c[:]) }

// IsZero reports whether c is the zero Checksum.
func (c Checksum) IsZero() bool { return c == Checksum{} }

// MarshalText returns the same form as String, and nothing for the zero
// Checksum.
func (c Checksum) MarshalText() ([]byte, error) {
	if c.IsZero() {
		return []byte{}, nil
	}
	return []byte(c.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (c *Checksum) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*c = Checksum{}
		return nil
	}
	parsed, err := ParseChecksum(string(text))
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}
