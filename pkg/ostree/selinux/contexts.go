package selinux

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// read reads the files that make up the file contexts.
func (p *Policy) read(root fs.FS, file string) error {
	if _, err := fs.Stat(root, file); err != nil {
		return err // the others may be missing, this one may not
	}
	var err error
	if p.dist, err = readSubstitutions(root, file+".subs_dist"); err != nil {
		return err
	}
	if p.local, err = readSubstitutions(root, file+".subs"); err != nil {
		return err
	}
	var patterns, exact []*spec
	for _, name := range []string{file, file + ".homedirs", file + ".local"} {
		err := eachLine(root, name, func(line string) error {
			s, err := parseSpec(line)
			switch {
			case err != nil:
				return err
			case s.exact:
				exact = append(exact, s)
			default:
				patterns = append(patterns, s)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	p.index(append(patterns, exact...))
	return nil
}

// index lists for each stem what can match it, in the order of precedence.
func (p *Policy) index(specs []*spec) {
	for _, s := range specs {
		p.stems[s.stem] = nil
	}
	for _, s := range specs {
		if s.stem != "" {
			p.stems[s.stem] = append(p.stems[s.stem], s)
			continue
		}
		for stem := range p.stems {
			p.stems[stem] = append(p.stems[stem], s)
		}
	}
	p.noStem = p.stems[""]
}

// parseSpec reads a line of three fields, of which the second, the file type, may
// be missing. What follows is ignored.
func parseSpec(line string) (*spec, error) {
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return nil, errors.New("a pattern and a label are expected")
	}
	pattern, label := fields[0], fields[1]
	var kind uint32
	if len(fields) > 2 {
		label = fields[2]
		var ok bool
		if kind, ok = kinds()[fields[1]]; !ok {
			return nil, fmt.Errorf("%q is not a type of file", fields[1])
		}
	}
	for i := range len(pattern) {
		if pattern[i] >= 0x80 || pattern[i] == 0 {
			return nil, fmt.Errorf("%q has characters that are not ASCII", pattern)
		}
	}
	s := &spec{pattern: pattern, label: label, kind: kind, stem: stemOfPattern(pattern), exact: isExact(pattern)}
	s.prefix = literalPrefix(pattern)
	return s, s.check()
}

// A substitution replaces the beginning of a path.
type substitution struct{ from, to string }

func readSubstitutions(root fs.FS, file string) ([]substitution, error) {
	var subs []substitution
	err := eachLine(root, file, func(line string) error {
		if fields := strings.Fields(line); len(fields) > 1 {
			subs = append(subs, substitution{from: fields[0], to: fields[1]})
		}
		return nil
	})
	return subs, err
}

// substitute applies the last that fits.
func substitute(subs []substitution, name string) string {
	for _, sub := range slices.Backward(subs) {
		rest, ok := strings.CutPrefix(name, sub.from)
		if !ok || rest != "" && rest[0] != '/' {
			continue
		}
		if sub.to == "/" {
			rest = strings.TrimPrefix(rest, "/")
		}
		return sub.to + rest
	}
	return name
}
