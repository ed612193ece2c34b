package kargs

import (
	"fmt"
	"slices"
	"strings"
)

// Args is a kernel command line in order. Each element is one argument, "key" or "key=value", with
// its double quotes kept. The zero value is an empty command line.
type Args []string

// Parse splits a command line at spaces outside double quotes. An unterminated quote reaches to the
// end of the line: boot loaders are known to reformat what /proc/cmdline shows.
func Parse(line string) Args {
	var args Args
	start, quoted := 0, false
	for i := range len(line) {
		switch {
		case line[i] == '"':
			quoted = !quoted
		case line[i] == ' ' && !quoted:
			if i > start {
				args = append(args, line[start:i])
			}
			start = i + 1
		}
	}
	if start < len(line) {
		args = append(args, line[start:])
	}
	return args
}

// FromProc parses the text of /proc/cmdline and leaves out what the boot loader or libostree put
// there for one boot only: BOOT_IMAGE=, initrd= and ostree=.
func FromProc(text string) Args {
	return Parse(strings.TrimSpace(text)).Without("BOOT_IMAGE", "initrd", "ostree")
}

// String joins the arguments with single spaces.
func (a Args) String() string { return strings.Join(a, " ") }

// Check reports an argument that cannot stand in a boot entry because it holds a line break or a
// NUL: it would become a line of its own.
func (a Args) Check() error {
	for _, arg := range a {
		if strings.ContainsAny(arg, "\n\r\x00") {
			return fmt.Errorf("kernel argument %q: line breaks and NUL are not allowed", arg)
		}
	}
	return nil
}

// Has reports whether an argument with that key is present.
func (a Args) Has(key string) bool {
	return slices.ContainsFunc(a, func(arg string) bool { return keyOf(arg) == key })
}

// Get returns the value of the last argument with that key, which is the one the kernel obeys for
// most keys, and whether there is one. An argument without a value yields "".
func (a Args) Get(key string) (string, bool) {
	for _, arg := range slices.Backward(a) {
		if keyOf(arg) == key {
			_, value, _ := strings.Cut(arg, "=")
			return value, true
		}
	}
	return "", false
}

// Values returns the values of all arguments with that key, in order.
func (a Args) Values(key string) []string {
	var values []string
	for _, arg := range a {
		if k, value, _ := strings.Cut(arg, "="); k == key {
			values = append(values, value)
		}
	}
	return values
}

// Without returns the command line without the arguments of these keys.
func (a Args) Without(keys ...string) Args {
	return slices.DeleteFunc(slices.Clone(a), func(arg string) bool {
		return slices.Contains(keys, keyOf(arg))
	})
}

// Set returns the command line with arg as the only argument of its key. It takes the place of the
// first one, or comes last when there is none.
func (a Args) Set(arg string) Args {
	key := keyOf(arg)
	at := slices.IndexFunc(a, func(have string) bool { return keyOf(have) == key })
	out := a.Without(key)
	if at < 0 {
		return append(out, arg)
	}
	return slices.Insert(out, at, arg)
}

// keyOf returns the part of an argument before its first equals sign.
func keyOf(arg string) string {
	key, _, _ := strings.Cut(arg, "=")
	return key
}
