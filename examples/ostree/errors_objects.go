package main

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// objectMessage returns the peer's texts for objects that are not what they must
// be, or are not there.
func objectMessage(err error) (string, bool) {
	var checksum *ostree.ChecksumError
	var name *ostree.FileNameError
	var missing *ostree.ObjectNotFoundError
	switch {
	case errors.As(err, &missing) && missing.Object.Type.IsMeta():
		return fmt.Sprintf("No such metadata object %s", missing.Object), true
	case errors.As(err, &missing):
		return fmt.Sprintf("Couldn't find file object '%s'", missing.Object.Checksum), true
	case errors.As(err, &checksum):
		return fmt.Sprintf("Corrupted %s object; checksum expected='%s' actual='%s'",
			checksum.Object.Type, checksum.Object.Checksum, checksum.Actual), true
	case errors.As(err, &name):
		return where(err) + fileNameMessage(name.Name), true
	}
	return "", false
}

// where names the object that an error is about.
func where(err error) string {
	if corrupt, ok := errors.AsType[*ostree.CorruptError](err); ok {
		return corrupt.What + ": "
	}
	return ""
}

func fileNameMessage(name string) string {
	switch {
	case name == "":
		return "Invalid empty filename"
	case name == ".":
		return "Self-reference '.' in filename '.'"
	case name == "..":
		return "Path uplink '..' in filename '..'"
	case strings.Contains(name, "/"):
		return "Invalid / in filename " + name
	case !utf8.ValidString(name):
		return "Invalid UTF-8 in filename " + name
	}
	return fmt.Sprintf("Invalid filename %q", name)
}
