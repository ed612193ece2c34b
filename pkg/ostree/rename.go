package ostree

import (
	"fmt"
	"regexp"
	"strings"
)

// A RenameSyntaxError says what is wrong with a rule of [ParseRename].
type RenameSyntaxError struct {
	Rule string
	Err  error // nil if the comma is missing
}

// Error implements error.
func (e *RenameSyntaxError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("rename %q: there is no comma between the pattern and the replacement", e.Rule)
	}
	return fmt.Sprintf("rename %q: %v", e.Rule, e.Err)
}

// Unwrap returns what is wrong with the pattern or the replacement.
func (e *RenameSyntaxError) Unwrap() error { return e.Err }

// ParseRename reads a rule of the form REGEX,REPLACEMENT, as ostree commit
// --tar-pathname-filter takes it, for [ArchiveOptions].Rename. All matches are
// replaced; \1 or \g<1> stands for what a group matched, \0 for all, \\ for a
// backslash. The syntax is that of package regexp, which lacks the look-around
// and back-references of PCRE.
func ParseRename(rule string) (func(string) string, error) {
	pattern, replacement, ok := strings.Cut(rule, ",")
	if !ok {
		return nil, &RenameSyntaxError{Rule: rule}
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, &RenameSyntaxError{Rule: rule, Err: err}
	}
	template, err := renameTemplate(replacement)
	if err != nil {
		return nil, &RenameSyntaxError{Rule: rule, Err: err}
	}
	return func(path string) string { return re.ReplaceAllString(path, template) }, nil
}

// renameTemplate translates a replacement into the form of package regexp.
func renameTemplate(s string) (string, error) {
	var b strings.Builder
	for s != "" {
		before, after, ok := strings.Cut(s, `\`)
		b.WriteString(strings.ReplaceAll(before, "$", "$$"))
		if !ok {
			break
		}
		n, text := renameEscape(after)
		if n == 0 {
			return "", fmt.Errorf(`the replacement has an unknown escape "\%.1s"`, after)
		}
		b.WriteString(text)
		s = after[n:]
	}
	return b.String(), nil
}

// renameEscape translates what follows a backslash and returns its length.
func renameEscape(s string) (int, string) {
	switch {
	case s == "":
		return 0, ""
	case s[0] == '\\':
		return 1, `\`
	case strings.HasPrefix(s, "g<"):
		name, _, ok := strings.Cut(s[2:], ">")
		if !ok || strings.ContainsAny(name, "${}") {
			return 0, ""
		}
		return len(name) + 3, "${" + name + "}"
	}
	n := 0
	for n < len(s) && n < 2 && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n, "${" + s[:n] + "}"
}
