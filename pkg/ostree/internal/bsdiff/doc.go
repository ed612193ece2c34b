// Package bsdiff makes and applies patches between two files, in the form of
// Colin Percival's bsdiff without its header and compression, as static deltas
// hold them.
//
// A patch is a sequence of three numbers and two runs of bytes. The first run is
// added, byte for byte, to what the old file has at the current position. The
// second is taken as it is. Then the position moves by the third number.
package bsdiff
