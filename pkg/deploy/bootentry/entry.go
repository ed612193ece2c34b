package bootentry

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Keys of an entry that have a meaning here.
const (
	KeyTitle      = "title"
	KeyVersion    = "version"
	KeyOptions    = "options"
	KeyDeviceTree = "devicetree"
	KeyDTBDir     = "fdtdir"
	KeyLinux      = "linux"
	KeyInitrd     = "initrd"
)

// maxSize bounds an entry: the largest part is the kernel command line, which no architecture lets
// grow beyond a few KiB.
const maxSize = 256 << 10

// Entry is one boot loader entry. The zero value is empty and ready for use. An Entry is not safe
// for concurrent changes.
type Entry struct {
	keys   []string
	values map[string]string
	// overlays are the values of further initrd keys.
	overlays []string
}

// Parse reads an entry. Lines that do not start with a letter (comments, blank lines) and keys
// without a value are skipped. The last value of a repeated key counts, except for initrd, whose
// further values are the [Entry.Overlays]. Only an entry too large to be one is an error.
func Parse(data []byte) (*Entry, error) {
	if len(data) > maxSize {
		return nil, fmt.Errorf("boot entry of %d bytes: more than %d are not plausible", len(data), maxSize)
	}
	e := new(Entry)
	for line := range strings.SplitSeq(string(data), "\n") {
		at := strings.IndexAny(line, " \t")
		if at < 1 || !isLetter(line[0]) {
			continue
		}
		key, value := line[:at], strings.Trim(line[at:], " \t\r")
		if _, again := e.values[key]; again && key == KeyInitrd {
			e.overlays = append(e.overlays, value)
			continue
		}
		e.Set(key, value)
	}
	return e, nil
}

// Get returns the value of a key, "" when it is missing.
func (e *Entry) Get(key string) string { return e.values[key] }

// Set gives a key a value.
func (e *Entry) Set(key, value string) {
	if _, ok := e.values[key]; !ok {
		e.keys = append(e.keys, key)
	}
	if e.values == nil {
		e.values = make(map[string]string)
	}
	e.values[key] = value
}

// Delete removes a key. Removing initrd removes the overlays as well.
func (e *Entry) Delete(key string) {
	e.keys = slices.DeleteFunc(e.keys, func(have string) bool { return have == key })
	delete(e.values, key)
	if key == KeyInitrd {
		e.overlays = nil
	}
}

// Keys returns the keys in the order in which [Entry.Bytes] writes them.
func (e *Entry) Keys() []string {
	first := []string{KeyTitle, KeyVersion, KeyOptions, KeyDeviceTree, KeyLinux, KeyInitrd}
	ordered := slices.DeleteFunc(slices.Clone(first), func(key string) bool { return !slices.Contains(e.keys, key) })
	for _, key := range e.keys {
		if !slices.Contains(first, key) {
			ordered = append(ordered, key)
		}
	}
	return ordered
}

// Overlays returns the initrds that are loaded after the first one.
func (e *Entry) Overlays() []string { return slices.Clone(e.overlays) }

// SetOverlays sets the initrds that are loaded after the first one. They are only written when
// there is a first one.
func (e *Entry) SetOverlays(paths []string) { e.overlays = slices.Clone(paths) }

// Files returns the paths of all files that the entry makes a boot loader read.
func (e *Entry) Files() []string {
	files := e.Overlays()
	for _, key := range []string{KeyLinux, KeyInitrd, KeyDeviceTree, KeyDTBDir, "efi", "uki"} {
		if path := e.Get(key); path != "" {
			files = append(files, path)
		}
	}
	return append(files, strings.Fields(e.Get("devicetree-overlay"))...)
}

// Clone returns an independent copy.
func (e *Entry) Clone() *Entry {
	c := &Entry{overlays: slices.Clone(e.overlays)}
	for _, key := range e.keys {
		c.Set(key, e.values[key])
	}
	return c
}

// Bytes returns the text of the entry: title, version, options, devicetree, linux, initrd, then all
// other keys in their old order. A key or value that would break out of its line is an error.
func (e *Entry) Bytes() ([]byte, error) {
	var buf bytes.Buffer
	for _, key := range e.Keys() {
		if err := writeLine(&buf, key, e.values[key]); err != nil {
			return nil, err
		}
		if key != KeyInitrd {
			continue
		}
		for _, overlay := range e.overlays {
			if err := writeLine(&buf, key, overlay); err != nil {
				return nil, err
			}
		}
	}
	return buf.Bytes(), nil
}

// writeLine appends one key and its value.
func writeLine(buf *bytes.Buffer, key, value string) error {
	if key == "" || !isLetter(key[0]) || strings.ContainsAny(key, " \t\r\n\x00") {
		return fmt.Errorf("boot entry: %q is not a key", key)
	}
	if strings.ContainsAny(value, "\r\n\x00") {
		return fmt.Errorf("boot entry: value %q of %s spans lines", value, key)
	}
	fmt.Fprintf(buf, "%s %s\n", key, value)
	return nil
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
