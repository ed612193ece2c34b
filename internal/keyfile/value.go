package keyfile

import (
	"fmt"
	"strings"
)

// Get returns the value of a key with its escapes undone, and whether the key
// exists. An unknown escape is kept as it is written.
func (f *File) Get(group, key string) (string, bool) {
	raw, ok := f.raw(group, key)
	if !ok {
		return "", false
	}
	return unescape(raw), true
}

// GetDefault is Get with a value for the case that the key does not exist.
func (f *File) GetDefault(group, key, missing string) string {
	if v, ok := f.Get(group, key); ok {
		return v
	}
	return missing
}

// GetBool returns the value of a boolean key, or missing if there is no such
// key. As in GLib only true, false, 1 and 0 are booleans.
func (f *File) GetBool(group, key string, missing bool) (bool, error) {
	raw, ok := f.raw(group, key)
	if !ok {
		return missing, nil
	}
	switch strings.TrimRight(raw, space) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return missing, fmt.Errorf("key %s in group %s: %s is not a boolean (use true or false)", key, group, quote(raw))
}

// GetList returns the items of a ";"-separated list and whether the key exists.
// A separator at the end adds no item.
func (f *File) GetList(group, key string) ([]string, bool) {
	raw, ok := f.raw(group, key)
	if !ok {
		return nil, false
	}
	return splitList(raw), true
}

// Set stores a string. An existing key keeps its place, a new one goes to the
// end of its group, a new group to the end of the file. Names that are not
// [ValidGroup] and [ValidKey] panic: a caller that takes them from outside
// checks first.
func (f *File) Set(group, key, value string) {
	f.put(group, key, escape(value, false))
}

// SetBool stores true or false.
func (f *File) SetBool(group, key string, value bool) {
	f.put(group, key, fmt.Sprint(value))
}

// SetList stores a list, each item followed by ";" as GLib writes it.
func (f *File) SetList(group, key string, items []string) {
	var b strings.Builder
	for _, item := range items {
		b.WriteString(escape(item, true) + ";")
	}
	f.put(group, key, b.String())
}

func (f *File) raw(group, key string) (string, bool) {
	g, i := f.find(group, key)
	if g == nil {
		return "", false
	}
	return strings.TrimSuffix(g.lines[i].value, "\r"), true
}

// escape writes leading blanks, control characters and backslashes the way
// GLib does; blanks further on stay readable.
func escape(s string, list bool) string {
	var b strings.Builder
	leading := true
	for _, r := range s {
		switch {
		case r == ' ' && leading:
			b.WriteString(`\s`)
			continue
		case r == '\t' && leading:
			b.WriteString(`\t`)
			continue
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\\':
			b.WriteString(`\\`)
		case r == ';' && list:
			b.WriteString(`\;`)
		default:
			b.WriteRune(r)
		}
		leading = false
	}
	return b.String()
}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if c, ok := unescapeByte(s[i+1]); ok {
				b.WriteByte(c)
				i++
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func unescapeByte(c byte) (byte, bool) {
	switch c {
	case 's':
		return ' ', true
	case 'n':
		return '\n', true
	case 't':
		return '\t', true
	case 'r':
		return '\r', true
	case '\\':
		return '\\', true
	}
	return 0, false
}

// splitList cuts at separators that are not escaped, then undoes the escapes of
// each item.
func splitList(raw string) []string {
	var items []string
	var item strings.Builder
	for i := 0; i < len(raw); i++ {
		switch {
		case raw[i] == ';':
			items = append(items, item.String())
			item.Reset()
		case raw[i] == '\\' && i+1 < len(raw):
			i++
			if c, ok := unescapeByte(raw[i]); ok {
				item.WriteByte(c)
			} else if raw[i] == ';' {
				item.WriteByte(';')
			} else {
				item.WriteString(raw[i-1 : i+1])
			}
		default:
			item.WriteByte(raw[i])
		}
	}
	if item.Len() > 0 {
		items = append(items, item.String())
	}
	return items
}
