package archive

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
)

// hasher computes the checksums of a file in one pass.
type hasher struct {
	sha256, sha512 hash.Hash
}

// newHasherFor computes only what can be compared with want.
func newHasherFor(want Checksums) *hasher {
	h := &hasher{}
	if want.SHA256 != "" || want.SHA512 == "" {
		h.sha256 = sha256.New()
	}
	if want.SHA512 != "" {
		h.sha512 = sha512.New()
	}
	return h
}

// Write adds data. It cannot fail.
func (h *hasher) Write(data []byte) (int, error) {
	if h.sha256 != nil {
		h.sha256.Write(data)
	}
	if h.sha512 != nil {
		h.sha512.Write(data)
	}
	return len(data), nil
}

// check compares size and checksums with what they should be. url is for the error, a
// [*HashMismatchError].
func (h *hasher) check(url string, size int64, want Checksums) error {
	if want.Size >= 0 && size != want.Size {
		return &HashMismatchError{URL: url, Algorithm: "size", Expected: fmt.Sprint(want.Size), Got: fmt.Sprint(size)}
	}
	for _, c := range []struct {
		algorithm string
		hash      hash.Hash
		want      string
	}{{"SHA512", h.sha512, want.SHA512}, {"SHA256", h.sha256, want.SHA256}} {
		if c.want == "" || c.hash == nil {
			continue
		}
		if got := hex.EncodeToString(c.hash.Sum(nil)); got != c.want {
			return &HashMismatchError{URL: url, Algorithm: c.algorithm, Expected: c.want, Got: got}
		}
	}
	return nil
}
