// Package inflate decompresses raw DEFLATE data, RFC 1951, which is how archive
// repositories keep files. It does what compress/flate does, and accepts and
// refuses the same data, in less than half of the time: it looks at eight bytes
// of input at a time and writes into the caller's buffer instead of a window.
package inflate
