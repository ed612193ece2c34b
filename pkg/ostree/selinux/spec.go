package selinux

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
)

// File types as in st_mode.
const (
	fileType  = 0o170000
	typeFIFO  = 0o010000
	typeChar  = 0o020000
	typeDir   = 0o040000
	typeBlock = 0o060000
	typeFile  = 0o100000
	typeLink  = 0o120000
	typeSock  = 0o140000
)

func kinds() map[string]uint32 {
	return map[string]uint32{
		"--": typeFile, "-d": typeDir, "-l": typeLink, "-c": typeChar, "-b": typeBlock, "-p": typeFIFO, "-s": typeSock,
	}
}

// metacharacters are those that make a specification a pattern, in libselinux.
const metacharacters = ".^$?*+|[({"

// A spec is one line of a file_contexts file.
type spec struct {
	pattern string
	label   string
	kind    uint32 // type of file, 0 for all
	stem    string // first element of the paths, or "" if that is not known
	prefix  string // of all paths
	exact   bool   // no metacharacters

	once   sync.Once // a policy has thousands, a lookup needs few
	regexp *regexp.Regexp
}

// anchored is the expression as libselinux completes it, for package regexp. The
// end may be before a final newline, as $ is in PCRE.
func (s *spec) anchored() string { return "(?s)^" + s.pattern + "\n?$" }

// maxWeight bounds the program that an expression becomes. The largest in use
// have some hundred instructions.
const maxWeight = 1 << 14

// check makes sure that the expression will compile.
func (s *spec) check() error {
	re, err := syntax.Parse(s.anchored(), syntax.Perl)
	if err != nil {
		return fmt.Errorf("pattern %s: %w", s.pattern, err)
	}
	if weight(re) > maxWeight {
		return fmt.Errorf("pattern %s is too large", s.pattern)
	}
	return nil
}

// weight estimates the instructions of an expression.
func weight(re *syntax.Regexp) int {
	sum := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		sum += weight(sub)
	}
	if re.Op == syntax.OpRepeat {
		sum *= max(re.Min, re.Max, 1)
	}
	return min(sum, maxWeight+1)
}

// matches tells whether the expression matches a path, as bytesAsRunes gives it.
func (s *spec) matches(text string) bool {
	s.once.Do(func() { s.regexp = regexp.MustCompile(s.anchored()) }) // check has parsed it
	return s.regexp.MatchString(text)
}

// bytesAsRunes makes each byte one character, as which PCRE sees it.
func bytesAsRunes(text string) string {
	for i := range len(text) {
		if text[i] >= 0x80 {
			runes := make([]rune, len(text))
			for i := range len(text) {
				runes[i] = rune(text[i])
			}
			return string(runes)
		}
	}
	return text
}

// stemOf is the first element of a path that has more of them.
func stemOf(name string) string {
	if name == "" {
		return ""
	}
	if i := strings.IndexByte(name[1:], '/'); i >= 0 {
		return name[:i+1]
	}
	return ""
}

func stemOfPattern(pattern string) string {
	stem := stemOf(pattern)
	if strings.ContainsAny(stem, metacharacters) {
		return ""
	}
	return stem
}

// isExact tells whether a pattern has no metacharacter but behind a backslash.
func isExact(pattern string) bool {
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '\\':
			i++
		case strings.IndexByte(metacharacters, pattern[i]) >= 0:
			return false
		}
	}
	return true
}

// literalPrefix is what every match begins with: most specifications are ruled
// out by it.
func literalPrefix(pattern string) string {
	if hasAlternatives(pattern) {
		return ""
	}
	var prefix []byte
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '\\' && i+1 < len(pattern) && !isAlphanumeric(pattern[i+1]):
			i++
			prefix = append(prefix, pattern[i])
		case c == '?' || c == '*' || c == '{':
			return string(prefix[:max(0, len(prefix)-1)]) // what it follows may be missing
		case c == '\\' || strings.IndexByte(metacharacters, c) >= 0:
			return string(prefix)
		default:
			prefix = append(prefix, c)
		}
	}
	return string(prefix)
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// hasAlternatives tells whether a bar may stand outside of all groups. It may be
// wrong about odd brackets, but only to say yes.
func hasAlternatives(pattern string) bool {
	depth := 0
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			depth--
		case '|':
			if depth <= 0 {
				return true
			}
		case '[':
			if strings.ContainsRune(pattern, '|') {
				return true
			}
		}
	}
	return false
}
