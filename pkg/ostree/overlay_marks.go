package ostree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// errMetacopy is a file in an upper directory whose data is still in the lower one.
var errMetacopy = errors.New("has metadata but no data (the overlay was mounted with metacopy=on; mount it with metacopy=off)")

// dirMarks is what an overlay notes on a directory of its upper layer.
type dirMarks struct {
	opaque   bool
	redirect string // sibling name, or absolute path in the lower layer
}

func readDirMarks(d *os.File) (dirMarks, error) {
	var m dirMarks
	attrs, err := fsx.Xattrs(int(d.Fd()))
	if err != nil {
		return m, err
	}
	for _, x := range attrs {
		switch name, ok := overlayMark(x.Name); {
		case !ok:
		case name == "opaque":
			m.opaque = string(x.Value) == "y" // "x" announces whiteouts made of attributes
		case name == "redirect":
			m.redirect = strings.TrimSuffix(string(x.Value), "\x00")
		}
	}
	return m, checkRedirect(m.redirect)
}

// checkRedirect refuses what the kernel refuses, before it is taken for a path.
func checkRedirect(redirect string) error {
	if redirect == "" {
		return nil
	}
	elements := []string{redirect}
	if rest, ok := strings.CutPrefix(redirect, "/"); ok {
		elements = strings.Split(rest, "/")
	}
	for _, e := range elements {
		if !fsx.IsName(e) {
			return fmt.Errorf("the overlay redirect %q is neither a name nor an absolute path", redirect)
		}
	}
	return nil
}

// lowerPath is where the lower part of a directory is, or "" if it has none.
func (m dirMarks) lowerPath(parent, name string) string {
	switch {
	case m.opaque:
		return ""
	case strings.HasPrefix(m.redirect, "/"):
		return m.redirect
	case parent == "":
		return ""
	case m.redirect != "":
		return path.Join(parent, m.redirect)
	}
	return path.Join(parent, name)
}

// isWhiteout tells whether an entry of an upper directory is the character
// device 0:0, which stands for a removed name.
func isWhiteout(d *os.File, e fs.DirEntry) (bool, error) {
	if e.Type() != fs.ModeDevice|fs.ModeCharDevice {
		return false, nil
	}
	st, err := fsx.StatAt(int(d.Fd()), e.Name())
	return err == nil && st.Rdev == 0, err
}

// isMarkedWhiteout tells whether a regular file is the other form of a whiteout,
// an empty file with an attribute. A file whose data is missing is an error.
func isMarkedWhiteout(st *unix.Stat_t, attrs []fsx.Xattr) (bool, error) {
	whiteout := false
	for _, x := range attrs {
		switch mark, _ := overlayMark(x.Name); mark {
		case "metacopy":
			return false, errMetacopy
		case "whiteout":
			whiteout = st.Size == 0
		}
	}
	return whiteout, nil
}

// overlayMark strips the prefix of the two kinds of mount, privileged ones and
// those of a user namespace (userxattr).
func overlayMark(name string) (string, bool) {
	if mark, ok := strings.CutPrefix(name, "trusted.overlay."); ok {
		return mark, true
	}
	return strings.CutPrefix(name, "user.overlay.")
}
