package deb

import (
	"fmt"
	"io"
)

// Limits bounds what reading an untrusted package may cost. A zero field means its default, which is
// far above every package of Debian and Ubuntu.
type Limits struct {
	// Entries is the largest number of entries of one tar archive (500 000).
	Entries int
	// PathLength is the longest path or link target in bytes (4095, PATH_MAX of Linux).
	PathLength int
	// ControlSize is the largest unpacked control archive in bytes (64 MiB). It is held in memory.
	ControlSize int64
	// DataSize is the largest unpacked data archive in bytes (32 GiB).
	DataSize int64
	// Ratio is how many bytes may be unpacked from each packed byte (500), beyond RatioFree bytes.
	Ratio int64
	// RatioFree is the unpacked size in bytes up to which the ratio does not matter (64 MiB).
	RatioFree int64
	// Window is the largest decompression window in bytes (128 MiB).
	Window int64
}

// withDefaults fills in the zero fields.
func (l Limits) withDefaults() Limits {
	defaulted(&l.Entries, 500_000)
	defaulted(&l.PathLength, 4095)
	defaulted(&l.ControlSize, 64<<20)
	defaulted(&l.DataSize, 32<<30)
	defaulted(&l.Ratio, 500)
	defaulted(&l.RatioFree, 64<<20)
	defaulted(&l.Window, 128<<20)
	return l
}

// defaulted sets *v to def if it is zero.
func defaulted[T int | int64](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// LimitError says that a package is larger than its [Limits] allow.
type LimitError struct {
	// What is the exceeded quantity, with its unit.
	What string
	// Limit is the largest allowed value.
	Limit int64
}

// Error implements error.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s exceeds the limit of %d: the package is damaged or malicious", e.What, e.Limit)
}

// Is reports that a LimitError is also an [ErrFormat].
func (e *LimitError) Is(target error) bool { return target == ErrFormat }

// boundedReader fails after n bytes instead of ending.
type boundedReader struct {
	r      io.Reader
	n      int64
	exceed error
}

// Read implements io.Reader.
func (b *boundedReader) Read(p []byte) (int, error) {
	if b.n < 0 {
		return 0, b.exceed
	}
	if int64(len(p)) > b.n+1 {
		p = p[:b.n+1]
	}
	n, err := b.r.Read(p)
	if b.n -= int64(n); b.n < 0 {
		return n - 1, b.exceed
	}
	return n, err
}

// bound limits the unpacked size of a stream of which packed bytes are stored, to at most size.
func (l Limits) bound(r io.Reader, what string, packed, size int64) io.Reader {
	exceed := &LimitError{What: "unpacked size of " + what + " in bytes", Limit: size}
	if byRatio := l.RatioFree + packed*l.Ratio; byRatio < size && byRatio > 0 {
		size = byRatio
		exceed = &LimitError{What: "compression ratio of " + what, Limit: l.Ratio}
	}
	return &boundedReader{r: r, n: size, exceed: exceed}
}
