package ostree

import "io"

// readFull fills a buffer, and gives io.EOF if the reader ends before it is full.
// Unlike that of io.ReadFull this cannot be mistaken for an error that wraps
// io.ErrUnexpectedEOF, such as that of a connection that broke or of compressed
// bytes that are cut off.
func readFull(r io.Reader, buf []byte) (n int, err error) {
	for idle := 0; n < len(buf); idle++ {
		read, err := r.Read(buf[n:])
		n += read
		switch {
		case n == len(buf):
			return n, nil // an error comes again with the next read
		case atEnd(err):
			return n, io.EOF
		case err != nil:
			return n, err
		case read > 0:
			idle = 0
		case idle > 100:
			return n, io.ErrNoProgress
		}
	}
	return n, nil
}

// atEnd tells the end of a reader from an error that has an end as its cause.
func atEnd(err error) bool {
	return err == io.EOF //nolint:errorlint // that is the difference
}
