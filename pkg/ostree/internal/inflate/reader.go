package inflate

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// A CorruptError says that the data is not DEFLATE data.
type CorruptError struct {
	Offset int64 // in the compressed data, near the place
	What   string
}

// Error implements error.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("corrupt deflate data near offset %d: %s", e.Offset, e.What)
}

const (
	windowSize = 32 << 10 // how far back a match may reach
	directSize = 64 << 10 // reads of at least this size go without a buffer of ours
)

// A Reader decompresses. Use Reset before the first Read.
type Reader struct {
	src   *bufio.Reader
	in    []byte // buffered by src
	pos   int    // what of it is used up
	taken int64  // bytes of src before in
	bits  uint64 // used up, but not decoded: the lowest count bits
	count uint

	state  state
	final  bool   // this block is the last one
	length int    // left of a match or of a stored block
	dist   int    // of the match
	err    error  // stays
	tables tables // of this block

	// history is what was written before the current call, of which the last
	// windowSize bytes count.
	history []byte
	total   int64  // bytes written, for those that look too far back
	buffer  []byte // for small reads; nil until there is one
	pending []byte // of it
}

// A state says what comes next.
type state int

const (
	atBlock state = iota
	inStored
	inCodes
	inMatch
	atEnd
)

// NewReader returns a Reader without a source.
func NewReader() *Reader { return &Reader{history: make([]byte, 0, windowSize)} }

// Reset starts anew with a source. When Read has returned io.EOF the source
// stands right behind the data.
func (r *Reader) Reset(src *bufio.Reader) {
	*r = Reader{src: src, history: r.history[:0], buffer: r.buffer, tables: r.tables}
}

// Read implements io.Reader. It may use all of p as scratch space.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(r.pending) == 0 && len(p) >= directSize {
		return r.decode(p)
	}
	if len(r.pending) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		if r.buffer == nil {
			r.buffer = make([]byte, directSize)
		}
		n, _ := r.decode(r.buffer) // the error comes when all is read
		r.pending = r.buffer[:n]
	}
	n := copy(p, r.pending)
	r.pending = r.pending[n:]
	if n == 0 || len(r.pending) == 0 {
		return n, r.err
	}
	return n, nil
}

// decode fills out as far as it can. Together with the last bytes it returns the
// error that ended the data.
func (r *Reader) decode(out []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	o := 0
	for o < len(out) && r.err == nil {
		switch r.state {
		case atBlock:
			r.err = r.block()
		case inStored:
			o, r.err = r.stored(out, o)
		case inCodes:
			o, r.err = r.codes(out, o)
		case inMatch:
			o = r.match(out, o)
		case atEnd:
			r.finish()
			r.err = io.EOF
		}
	}
	if r.err == nil && r.state == atEnd {
		// The caller has exactly what there is.
		r.finish()
		r.err = io.EOF
	}
	if r.err == nil {
		r.remember(out[:o])
	}
	r.total += int64(o)
	return o, r.err
}

// remember keeps what later matches may reach.
func (r *Reader) remember(out []byte) {
	switch keep := windowSize - len(out); {
	case keep <= 0:
		r.history = append(r.history[:0], out[len(out)-windowSize:]...)
	case len(r.history) > keep:
		n := copy(r.history, r.history[len(r.history)-keep:])
		r.history = append(r.history[:n], out...)
	default:
		r.history = append(r.history, out...)
	}
}

func (r *Reader) corrupt(what string) error {
	return &CorruptError{Offset: r.taken + int64(r.pos), What: what}
}

// more makes sure that there is input at pos.
func (r *Reader) more() error {
	if r.pos < len(r.in) {
		return nil
	}
	r.finish()
	if _, err := r.src.Peek(1); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	r.in, _ = r.src.Peek(r.src.Buffered()) // what is buffered is there
	return nil
}

// finish tells the source what was used up.
func (r *Reader) finish() {
	n, _ := r.src.Discard(r.pos) // it is buffered, see more
	r.taken += int64(n)
	r.in, r.pos = nil, 0
}

// need makes sure that at least n bits are there, up to 32.
func (r *Reader) need(n uint) error {
	for r.count < n {
		if err := r.more(); err != nil {
			return err
		}
		r.bits |= uint64(r.in[r.pos]) << r.count
		r.pos++
		r.count += 8
	}
	return nil
}

// take returns n bits, which must be there.
func (r *Reader) take(n uint) int {
	v := r.bits & (1<<n - 1)
	r.bits >>= n
	r.count -= n
	return int(v) //nolint:gosec // n is small
}

// read is need and take.
func (r *Reader) read(n uint) (int, error) {
	if err := r.need(n); err != nil {
		return 0, err
	}
	return r.take(n), nil
}
