package dpkg

import (
	"fmt"
	"strconv"
	"strings"
)

// An Override says which owner and mode a path has, whatever packages say, dpkg-statoverride(1).
type Override struct {
	// User and Group are names, or numbers behind a "#".
	User, Group string
	// Mode has the permission, set-id and sticky bits.
	Mode uint32
	// Path is absolute.
	Path string
}

// Overrides returns the overrides in the order of the file.
func (d *Database) Overrides() ([]Override, error) {
	text, err := d.read("statoverride")
	if err != nil {
		return nil, err
	}
	return ParseOverrides(text)
}

// ParseOverrides reads a file statoverride: "user group mode path" per line.
func ParseOverrides(text []byte) ([]Override, error) {
	all, err := lines(text, "statoverride")
	if err != nil {
		return nil, err
	}
	var list []Override
	for _, line := range all {
		fields := strings.SplitN(line, " ", 4)
		if len(fields) != 4 || fields[0] == "" || fields[1] == "" || !strings.HasPrefix(fields[3], "/") {
			return nil, fmt.Errorf("statoverride: %q is not a user, a group, a mode and a path", line)
		}
		mode, err := strconv.ParseUint(fields[2], 8, 32)
		if err != nil || mode > 0o7777 {
			return nil, fmt.Errorf("statoverride: %q is no mode of %s", fields[2], fields[3])
		}
		list = append(list, Override{User: fields[0], Group: fields[1], Mode: uint32(mode), Path: fields[3]})
	}
	return list, nil
}

// FormatOverrides is a file statoverride.
func FormatOverrides(list []Override) []byte {
	var b strings.Builder
	for _, o := range list {
		fmt.Fprintf(&b, "%s %s %o %s\n", o.User, o.Group, o.Mode, o.Path)
	}
	return []byte(b.String())
}
