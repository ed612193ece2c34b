package source

import (
	"fmt"
	"net/url"
	"strings"
)

// ParseOneLine reads a list in the one-line format, such as sources.list. path is for messages and
// [Source.Path].
func ParseOneLine(data []byte, path string) ([]Source, error) {
	var sources []Source
	number := 0
	for line := range strings.SplitSeq(string(data), "\n") {
		number++
		line = strings.TrimSpace(stripComment(line))
		if line == "" {
			continue
		}
		s, err := parseLine(line)
		if err == nil {
			err = s.Check()
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		s.Path, s.Line = path, number
		sources = append(sources, s)
	}
	return sources, nil
}

// stripComment cuts a line at "#", unless it is within brackets.
func stripComment(line string) string {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '#':
			return line[:i]
		case '[':
			if end := strings.IndexByte(line[i:], ']'); end > 0 {
				i += end
			}
		}
	}
	return line
}

// parseLine reads "type [option=value …] URI suite component…".
func parseLine(line string) (Source, error) {
	var s Source
	kind, rest := nextBlank(line)
	s.Types = []string{kind}
	if strings.HasPrefix(rest, "[") {
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			return Source{}, fmt.Errorf("options have no closing bracket")
		}
		for option := range strings.FieldsSeq(rest[1:end]) {
			if err := parseOption(&s, option); err != nil {
				return Source{}, err
			}
		}
		rest = strings.TrimSpace(rest[end+1:])
	}
	words, err := splitWords(rest)
	if err != nil {
		return Source{}, err
	}
	if len(words) < 2 {
		return Source{}, fmt.Errorf("expected \"%s [options] URI suite components\", found %q", kind, line)
	}
	s.URIs, s.Suites, s.Components = words[:1:1], words[1:2:2], words[2:]
	return s, nil
}

func nextBlank(line string) (word, rest string) {
	i := strings.IndexAny(line, " \t")
	if i < 0 {
		return line, ""
	}
	return line[:i], strings.TrimLeft(line[i:], " \t")
}

// parseOption reads "name=value,value"; "name+=" and "name-=" adjust lists.
func parseOption(s *Source, option string) error {
	name, value, found := strings.Cut(option, "=")
	if !found || name == "" {
		return fmt.Errorf("option %q is not of the form name=value", option)
	}
	suffix := ""
	if short, ok := strings.CutSuffix(name, "+"); ok {
		name, suffix = short, "-add"
	} else if short, ok := strings.CutSuffix(name, "-"); ok {
		name, suffix = short, "-remove"
	}
	long := strings.ToLower(name)
	switch long {
	case "arch":
		long = "architectures"
	case "lang":
		long = "languages"
	case "target":
		long = "targets"
	case "types", "uris", "suites", "components", "enabled", "architectures":
		long = "" // fields of the other format only
	}
	known, err := setOption(s, long+suffix, splitList(value))
	if err != nil {
		return fmt.Errorf("option %s: %w", name, err)
	}
	if !known {
		s.Unknown = append(s.Unknown, name)
	}
	return nil
}

// splitWords splits at blanks outside of quotes and brackets, drops quotes, and decodes "%20".
func splitWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	started, quoted, bracketed := false, false, false
	flush := func() error {
		if !started {
			return nil
		}
		w := word.String()
		// Decoding a URI would change its meaning; it is for words with blanks.
		if len(words) > 0 {
			decoded, err := url.PathUnescape(w)
			if err != nil {
				return fmt.Errorf("%q: %w", w, err)
			}
			w = decoded
		}
		words = append(words, w)
		word.Reset()
		started = false
		return nil
	}
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"':
			quoted, started = !quoted, true
		case (c == ' ' || c == '\t' || c == '\r') && !quoted && !bracketed:
			if err := flush(); err != nil {
				return nil, err
			}
		default:
			bracketed = c == '[' || bracketed && c != ']'
			started = true
			word.WriteByte(c)
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is not closed")
	}
	return words, flush()
}
