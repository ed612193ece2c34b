package bootentry

import (
	"fmt"
	"strconv"
	"strings"
)

// Name is the file name of an entry that describes an OSTree deployment.
type Name struct {
	// Version is the number in the name; the default deployment has the highest.
	Version int
	// Stateroot is part of the names that libostree wrote before 2024.5, else "".
	Stateroot string
	// Counted says that the name carries boot counters (systemd's automatic boot assessment).
	Counted bool
	// TriesLeft and TriesDone are the boot counters.
	TriesLeft, TriesDone int
}

// ParseName reads "ostree-VERSION[-STATEROOT][+LEFT[-DONE]].conf". It reports false for the name of
// a foreign entry.
func ParseName(name string) (Name, bool) {
	base, isConf := strings.CutSuffix(name, ".conf")
	rest, isOstree := strings.CutPrefix(base, "ostree-")
	if !isConf || !isOstree {
		return Name{}, false
	}
	var n Name
	if before, counters, ok := cutLast(rest, "+"); ok {
		left, done, hasDone := strings.Cut(counters, "-")
		var okLeft, okDone bool
		n.TriesLeft, okLeft = number(left)
		n.TriesDone, okDone = number(done)
		if okLeft && (okDone || !hasDone) {
			n.Counted, rest = true, before
		}
	}
	version, stateroot, _ := strings.Cut(rest, "-")
	var ok bool
	if n.Version, ok = number(version); !ok {
		return Name{}, false
	}
	n.Stateroot = stateroot
	if !n.Counted {
		n.TriesLeft, n.TriesDone = 0, 0
	}
	return n, true
}

// String returns the file name.
func (n Name) String() string {
	s := fmt.Sprintf("ostree-%d", n.Version)
	if n.Stateroot != "" {
		s += "-" + n.Stateroot
	}
	switch {
	case n.Counted && n.TriesDone > 0:
		s += fmt.Sprintf("+%d-%d", n.TriesLeft, n.TriesDone)
	case n.Counted:
		s += fmt.Sprintf("+%d", n.TriesLeft)
	}
	return s + ".conf"
}

// cutLast is strings.Cut at the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	if at := strings.LastIndex(s, sep); at >= 0 {
		return s[:at], s[at+len(sep):], true
	}
	return s, "", false
}

// number reads a small decimal number.
func number(s string) (int, bool) {
	if s == "" || len(s) > 9 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}
