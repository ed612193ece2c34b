package keyfile

import (
	"bytes"
	"slices"
	"strings"
)

// File is a key file in memory. The zero value is an empty file.
type File struct {
	preamble []line // before the first group: comments and blank lines only
	groups   []*group
}

// group is one "[name]" section as it stands in the file. Sections of the same
// name stay apart here, so that they are written where they were read.
type group struct {
	name   string
	header string
	lines  []line
}

// line is one line below a header. Comments and blank lines have no key.
type line struct {
	raw   string
	key   string
	value string // still escaped
}

// New returns an empty file.
func New() *File { return &File{} }

// Groups lists the names of all groups in the order of the file.
func (f *File) Groups() []string {
	var names []string
	seen := map[string]bool{}
	for _, g := range f.groups {
		if !seen[g.name] {
			seen[g.name] = true
			names = append(names, g.name)
		}
	}
	return names
}

// HasGroup tells whether the file has a group of that name, even an empty one.
func (f *File) HasGroup(name string) bool {
	return slices.ContainsFunc(f.groups, func(g *group) bool { return g.name == name })
}

// Keys lists the keys of a group in the order of the file, each once.
func (f *File) Keys(name string) []string {
	var keys []string
	seen := map[string]bool{"": true} // comments have no key
	for _, g := range f.groups {
		if g.name != name {
			continue
		}
		for _, l := range g.lines {
			if !seen[l.key] {
				seen[l.key] = true
				keys = append(keys, l.key)
			}
		}
	}
	return keys
}

// Delete removes a key, in all its occurrences, and tells whether it was there.
func (f *File) Delete(groupName, key string) bool {
	found := false
	for _, g := range f.groups {
		if g.name != groupName {
			continue
		}
		before := len(g.lines)
		g.lines = slices.DeleteFunc(g.lines, func(l line) bool { return l.key == key })
		found = found || len(g.lines) < before
	}
	return found
}

// DeleteGroup removes a group with its keys and the comments between them, and
// tells whether it was there.
func (f *File) DeleteGroup(name string) bool {
	before := len(f.groups)
	f.groups = slices.DeleteFunc(f.groups, func(g *group) bool { return g.name == name })
	return len(f.groups) < before
}

// Clone returns an independent copy.
func (f *File) Clone() *File {
	c := &File{preamble: slices.Clone(f.preamble)}
	for _, g := range f.groups {
		c.groups = append(c.groups, &group{name: g.name, header: g.header, lines: slices.Clone(g.lines)})
	}
	return c
}

// Bytes returns the text of the file. Lines that were parsed and not changed
// are returned as they were.
func (f *File) Bytes() []byte {
	var b bytes.Buffer
	for _, l := range f.preamble {
		b.WriteString(l.raw + "\n")
	}
	for _, g := range f.groups {
		b.WriteString(g.header + "\n")
		for _, l := range g.lines {
			b.WriteString(l.raw + "\n")
		}
	}
	return b.Bytes()
}

// String returns the text of the file.
func (f *File) String() string { return string(f.Bytes()) }

// find returns the line that counts for a key: the last one.
func (f *File) find(groupName, key string) (*group, int) {
	for _, g := range slices.Backward(f.groups) {
		if g.name != groupName {
			continue
		}
		for i, l := range slices.Backward(g.lines) {
			if key != "" && l.key == key {
				return g, i
			}
		}
	}
	return nil, 0
}

// put stores an escaped value, in place if the key exists, else behind the last
// key of the group, else in a new group at the end of the file.
func (f *File) put(groupName, key, value string) {
	mustBeValid(groupName, key)
	l := line{raw: key + "=" + value, key: key, value: value}
	if g, i := f.find(groupName, key); g != nil {
		if g.lines[i].value != value {
			g.lines[i] = l
		}
		return
	}
	g := f.lastGroup(groupName)
	if g == nil {
		f.separate()
		g = &group{name: groupName, header: "[" + groupName + "]"}
		f.groups = append(f.groups, g)
	}
	at := len(g.lines)
	for at > 0 && strings.TrimSpace(g.lines[at-1].raw) == "" {
		at--
	}
	g.lines = slices.Insert(g.lines, at, l)
}

func (f *File) lastGroup(name string) *group {
	for _, g := range slices.Backward(f.groups) {
		if g.name == name {
			return g
		}
	}
	return nil
}

// separate makes sure that a new group is preceded by a blank line, as GLib does.
func (f *File) separate() {
	last := &f.preamble
	if len(f.groups) > 0 {
		last = &f.groups[len(f.groups)-1].lines
	}
	if len(*last) == 0 && len(f.groups) == 0 {
		return
	}
	if n := len(*last); n == 0 || strings.TrimSpace((*last)[n-1].raw) != "" {
		*last = append(*last, line{})
	}
}

// mustBeValid guards the file against names that would change its structure.
func mustBeValid(groupName, key string) {
	if !ValidGroup(groupName) {
		panic("keyfile: invalid group name " + quote(groupName))
	}
	if !ValidKey(key) {
		panic("keyfile: invalid key name " + quote(key))
	}
}
