package fsx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// direntHeader is what stands before the name in struct linux_dirent64: inode
// number, position, length of the record, and kind.
const direntHeader = 8 + 8 + 2 + 1

// EachName calls visit for each entry of an open directory except "." and "..",
// in no order, without making a string of each name: the slice is good only
// during the call. Buf is what the kernel fills, 64 kB are good. It reads from
// where the descriptor is, once.
func EachName(fd int, buf []byte, visit func(name []byte) error) error {
	for {
		n, err := retryInt(func() (int, error) { return unix.Getdents(fd, buf) })
		if err != nil {
			return &fs.PathError{Op: "getdents", Path: procPath(fd), Err: err}
		}
		if n == 0 {
			return nil
		}
		if err := eachDirent(buf[:n], visit); err != nil {
			return err
		}
	}
}

var errDirent = errors.New("the kernel returned a malformed directory entry")

func eachDirent(buf []byte, visit func(name []byte) error) error {
	for len(buf) > 0 {
		if len(buf) <= direntHeader {
			return errDirent
		}
		length := int(binary.NativeEndian.Uint16(buf[16:]))
		if length <= direntHeader || length > len(buf) {
			return errDirent
		}
		name := buf[direntHeader:length]
		buf = buf[length:]
		if end := bytes.IndexByte(name, 0); end >= 0 {
			name = name[:end]
		}
		if string(name) == "." || string(name) == ".." {
			continue
		}
		if err := visit(name); err != nil {
			return err
		}
	}
	return nil
}
