package kargs

import (
	"errors"
	"fmt"
	"strings"
)

// ParseFragment reads the text of a fragment. Of TOML it knows what such files consist of: comments
// and the two keys with arrays of strings, which may span lines. Anything else is an error, so that
// nothing is silently not obeyed.
func ParseFragment(text string) (Fragment, error) {
	p := &fragmentParser{rest: text}
	var f Fragment
	for p.skip(true); p.rest != ""; p.skip(true) {
		key, after, ok := strings.Cut(p.rest, "=")
		if !ok {
			return f, fmt.Errorf("want KEY = [\"VALUE\", …], not %.40q", p.rest)
		}
		p.rest = after
		values, err := p.array()
		if err != nil {
			return f, err
		}
		switch key = strings.Trim(key, " \t"); key {
		case "kargs":
			for _, value := range values {
				f.Args = append(f.Args, Parse(value)...)
			}
		case "match-architectures":
			f.Architectures = append(f.Architectures, values...)
		default:
			return f, fmt.Errorf("unknown key %.40q: want kargs or match-architectures", key)
		}
		if p.skip(false); p.rest != "" && p.rest[0] != '\n' {
			return f, fmt.Errorf("unexpected %.40q after an array", p.rest)
		}
	}
	return f, f.Args.Check()
}

// fragmentParser reads from the front of rest.
type fragmentParser struct{ rest string }

// skip skips blanks and comments, and line breaks if those are allowed.
func (p *fragmentParser) skip(lines bool) {
	blank := " \t\r"
	if lines {
		blank += "\n"
	}
	for {
		p.rest = strings.TrimLeft(p.rest, blank)
		if !strings.HasPrefix(p.rest, "#") {
			return
		}
		end := strings.IndexByte(p.rest, '\n')
		if end < 0 {
			end = len(p.rest)
		}
		p.rest = p.rest[end:]
	}
}

// array reads an array of strings.
func (p *fragmentParser) array() ([]string, error) {
	p.skip(false)
	if !strings.HasPrefix(p.rest, "[") {
		return nil, errors.New("want an array of strings in square brackets")
	}
	p.rest = p.rest[1:]
	var values []string
	for {
		p.skip(true)
		if strings.HasPrefix(p.rest, "]") {
			p.rest = p.rest[1:]
			return values, nil
		}
		value, err := p.str()
		if err != nil {
			return nil, err
		}
		values = append(values, value)
		p.skip(true)
		switch {
		case strings.HasPrefix(p.rest, ","):
			p.rest = p.rest[1:]
		case !strings.HasPrefix(p.rest, "]"):
			return nil, fmt.Errorf("want a comma or ] after %.40q", value)
		}
	}
}

// str reads a basic or a literal string.
func (p *fragmentParser) str() (string, error) {
	if p.rest == "" || (p.rest[0] != '"' && p.rest[0] != '\'') {
		return "", fmt.Errorf("want a string in quotes, not %.40q", p.rest)
	}
	quote := p.rest[0]
	var out strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == quote:
			p.rest = p.rest[i+1:]
			return out.String(), nil
		case c == '\n':
			return "", errors.New("a string ends before its closing quote")
		case c == '\\' && quote == '"':
			i++
			if i == len(p.rest) || !strings.ContainsRune(`"\`, rune(p.rest[i])) {
				return "", errors.New(`of the escapes only \" and \\ make sense in a kernel argument`)
			}
			out.WriteByte(p.rest[i])
		default:
			out.WriteByte(c)
		}
	}
	return "", errors.New("a string ends before its closing quote")
}
