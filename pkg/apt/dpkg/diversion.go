package dpkg

import (
	"fmt"
	"strings"
)

// A Diversion is a path at which only one package, or the administrator, may place a file. What all
// others have there goes elsewhere, dpkg-divert(1).
type Diversion struct {
	// From and To are absolute paths.
	From, To string
	// Package is who diverts, ":" for the administrator.
	Package string
}

// Local reports whether it is the administrator's.
func (d Diversion) Local() bool { return d.Package == ":" }

// Diversions returns the diversions in the order of the file.
func (d *Database) Diversions() ([]Diversion, error) {
	text, err := d.read("diversions")
	if err != nil {
		return nil, err
	}
	return ParseDiversions(text)
}

// ParseDiversions reads a file of diversions: three lines each.
func ParseDiversions(text []byte) ([]Diversion, error) {
	all, err := lines(text, "diversions")
	if err != nil {
		return nil, err
	}
	if len(all)%3 != 0 {
		return nil, fmt.Errorf("diversions: %d lines are not three for each", len(all))
	}
	var list []Diversion
	for i := 0; i < len(all); i += 3 {
		d := Diversion{From: all[i], To: all[i+1], Package: all[i+2]}
		if d.From[0] != '/' || d.To[0] != '/' {
			return nil, fmt.Errorf("diversions: %q to %q is not between absolute paths", d.From, d.To)
		}
		list = append(list, d)
	}
	return list, nil
}

// FormatDiversions is a file of diversions.
func FormatDiversions(list []Diversion) []byte {
	var b strings.Builder
	for _, d := range list {
		b.WriteString(d.From + "\n" + d.To + "\n" + d.Package + "\n")
	}
	return []byte(b.String())
}
