package ostree

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// A DeltaName names a static delta: what a client that has one commit needs to
// make another.
type DeltaName struct {
	From Checksum // zero for a delta that makes the commit from nothing
	To   Checksum
}

// A DeltaNameError says that a text is not the name of a static delta.
type DeltaNameError struct{ Text string }

// Error implements error.
func (e *DeltaNameError) Error() string {
	return fmt.Sprintf("%q is not the name of a static delta: that is TO or FROM-TO, each 64 lower-case hexadecimal digits", e.Text)
}

// ParseDeltaName reads the form in which deltas are listed: two checksums with
// a hyphen between them, or one for a delta from nothing. The error is a
// [*DeltaNameError].
func ParseDeltaName(s string) (DeltaName, error) {
	var n DeltaName
	var err error
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		to = from
	} else if n.From, err = ParseChecksum(from); err != nil {
		return DeltaName{}, &DeltaNameError{Text: s}
	}
	if n.To, err = ParseChecksum(to); err != nil {
		return DeltaName{}, &DeltaNameError{Text: s}
	}
	return n, nil
}

// String returns the form that [ParseDeltaName] reads.
func (n DeltaName) String() string {
	if n.From.IsZero() {
		return n.To.String()
	}
	return n.From.String() + "-" + n.To.String()
}

// Path returns the directory of the delta, relative to its repository. It holds
// the file "superblock" and one file per part that is not within that file.
func (n DeltaName) Path() string {
	name := modifiedBase64(n.To)
	if !n.From.IsZero() {
		name = modifiedBase64(n.From) + "-" + name
	}
	return "deltas/" + name[:2] + "/" + name[2:]
}

// partPath is where a part lies, and its key when it is within the superblock.
func (n DeltaName) partPath(i int) string { return fmt.Sprintf("%s/%d", n.Path(), i) }

// superblockPath is where the superblock lies.
func (n DeltaName) superblockPath() string { return n.Path() + "/superblock" }

// detachedKey is the key of the commit's detached metadata in the superblock.
func (n DeltaName) detachedKey() string { return n.Path() + "/commitmeta" }

// deltaIndexPath is where the list of deltas to a commit lies.
func deltaIndexPath(to Checksum) string {
	name := modifiedBase64(to)
	return "delta-indexes/" + name[:2] + "/" + name[2:] + ".index"
}

// modifiedBase64 is base64 that can be part of a file name.
func modifiedBase64(c Checksum) string {
	return strings.ReplaceAll(base64.RawStdEncoding.EncodeToString(c[:]), "/", "_")
}

// parseDeltaDir reads the names of the two directories that a delta lies in.
func parseDeltaDir(dir, name string) (DeltaName, bool) {
	if len(dir) != 2 {
		return DeltaName{}, false
	}
	var n DeltaName
	from, to, ok := strings.Cut(dir+name, "-")
	if !ok {
		to = from
	} else if n.From, ok = parseModifiedBase64(from); !ok {
		return DeltaName{}, false
	}
	n.To, ok = parseModifiedBase64(to)
	return n, ok
}

// parseModifiedBase64 reads what modifiedBase64 makes.
func parseModifiedBase64(s string) (Checksum, bool) {
	b, err := base64.RawStdEncoding.DecodeString(strings.ReplaceAll(s, "_", "/"))
	if err != nil || len(b) != len(Checksum{}) {
		return Checksum{}, false
	}
	// The last digit may hold bits that belong to no byte, so that several texts
	// decode to one checksum. Only one of them is right.
	return Checksum(b), modifiedBase64(Checksum(b)) == s
}
