package relation

import (
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// ParseDepends parses a field with groups of alternatives: Depends, Pre-Depends, Recommends,
// Suggests, Enhances, and also Conflicts, Breaks and Replaces, whose groups have one member.
// An empty field gives no groups. Empty entries between commas are ignored, as apt does.
// Restrictions to architectures or build profiles, which only source packages have, are errors.
func ParseDepends(field string) ([]Group, error) {
	commas := strings.Count(field, ",")
	// One backing array for all relations: indexes of a distribution hold half a million of them.
	relations := make([]Relation, 0, commas+1+strings.Count(field, "|"))
	groups := make([]Group, 0, commas+1)
	p := parser{text: field}
	for p.skipSeparators(); !p.done(); p.skipSeparators() {
		start := len(relations)
		for {
			r, err := p.relation()
			if err != nil {
				return nil, err
			}
			relations = append(relations, r)
			if !p.accept('|') {
				break
			}
		}
		if !p.done() && p.peek() != ',' {
			return nil, p.errorf("expected a comma")
		}
		groups = append(groups, relations[start:len(relations):len(relations)])
	}
	if len(groups) == 0 {
		return nil, nil
	}
	return groups, nil
}

// ParseProvides parses a Provides field. Entries with another operator than "=" are left out: dpkg
// and apt give them no meaning. Alternatives are an error.
func ParseProvides(field string) ([]Relation, error) {
	relations := make([]Relation, 0, strings.Count(field, ",")+1)
	p := parser{text: field}
	for p.skipSeparators(); !p.done(); p.skipSeparators() {
		r, err := p.relation()
		if err != nil {
			return nil, err
		}
		if !p.done() && p.peek() != ',' {
			return nil, p.errorf("expected a comma")
		}
		if r.Op == Any || r.Op == Equal {
			relations = append(relations, r)
		}
	}
	if len(relations) == 0 {
		return nil, nil
	}
	return relations, nil
}

// Parse parses a single relation, such as a user types it: "name", "name:arch", "name (>= 1.0)".
func Parse(text string) (Relation, error) {
	p := parser{text: text}
	p.skipBlanks()
	r, err := p.relation()
	if err != nil {
		return Relation{}, err
	}
	if !p.done() {
		return Relation{}, p.errorf("unexpected text after the relation")
	}
	return r, nil
}

// CheckName reports why dpkg would not take name for a package's: it must start with a letter or
// digit and hold only letters, digits and "-+.".
func CheckName(name string) error {
	if name == "" {
		return fmt.Errorf("package name is empty")
	}
	if !isAlnum(name[0]) {
		return fmt.Errorf("package name %q must start with a letter or digit", name)
	}
	for i := range len(name) {
		if !isNameByte(name[i]) {
			return fmt.Errorf("character %q is not allowed in package name %q", name[i], name)
		}
	}
	return nil
}

// parser is a cursor over the text of one field.
type parser struct {
	text string
	at   int
}

// relation parses "name[:arch] [(op version)]" and the blanks after it.
func (p *parser) relation() (Relation, error) {
	p.skipBlanks()
	start := p.at
	for !p.done() && isNameByte(p.peek()) {
		p.at++
	}
	if p.at == start {
		return Relation{}, p.errorf("expected a package name")
	}
	r := Relation{Name: strings.ToLower(p.text[start:p.at])}
	if !isAlnum(r.Name[0]) {
		return Relation{}, p.errorf("package name %q must start with a letter or digit", r.Name)
	}
	if !p.done() && p.peek() == ':' {
		p.at++
		start = p.at
		for !p.done() && (isAlnum(p.peek()) || p.peek() == '-') {
			p.at++
		}
		if r.ArchQual = p.text[start:p.at]; r.ArchQual == "" {
			return Relation{}, p.errorf("expected an architecture after the colon")
		}
	}
	p.skipBlanks()
	if p.accept('(') {
		if err := p.condition(&r); err != nil {
			return Relation{}, err
		}
		p.skipBlanks()
	}
	return r, nil
}

// condition parses "op version)".
func (p *parser) condition(r *Relation) error {
	p.skipBlanks()
	r.Op = p.operator()
	length := strings.IndexByte(p.text[p.at:], ')')
	if length < 0 {
		return p.errorf("expected a closing parenthesis")
	}
	v, err := version.Parse(p.text[p.at : p.at+length])
	if err != nil {
		return fmt.Errorf("relation to %s in %q: %w", r.Name, excerpt(p.text), err)
	}
	r.Version = v
	p.at += length + 1
	return nil
}

// operator reads an operator. Single characters are old spellings that include equality, and no
// operator at all means equality, to dpkg and apt alike.
func (p *parser) operator() Op {
	rest := p.text[p.at:]
	for _, o := range [...]struct {
		text string
		op   Op
	}{{"<<", Earlier}, {"<=", EarlierOrEqual}, {">=", LaterOrEqual}, {">>", Later}, {"=", Equal}, {"<", EarlierOrEqual}, {">", LaterOrEqual}} {
		if strings.HasPrefix(rest, o.text) {
			p.at += len(o.text)
			return o.op
		}
	}
	return Equal
}

func (p *parser) done() bool { return p.at >= len(p.text) }

func (p *parser) peek() byte { return p.text[p.at] }

func (p *parser) accept(c byte) bool {
	if p.done() || p.peek() != c {
		return false
	}
	p.at++
	return true
}

func (p *parser) skipBlanks() {
	for !p.done() && isBlank(p.peek()) {
		p.at++
	}
}

func (p *parser) skipSeparators() {
	for !p.done() && (isBlank(p.peek()) || p.peek() == ',') {
		p.at++
	}
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("relation %q: at byte %d: %s", excerpt(p.text), p.at, fmt.Sprintf(format, args...))
}

// excerpt keeps error messages readable when a field is very long.
func excerpt(text string) string {
	const limit = 120
	if len(text) <= limit {
		return text
	}
	return text[:limit] + "…"
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z'
}

func isNameByte(c byte) bool { return isAlnum(c) || c == '-' || c == '+' || c == '.' }
