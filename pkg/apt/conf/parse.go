package conf

import (
	"fmt"
	"strings"
)

// maxDepth bounds nested scopes and nested includes.
const maxDepth = 32

// Parse adds the options of a file to c. path is for messages. The directive #include is refused;
// [Load] follows it.
func (c *Config) Parse(data []byte, path string) error {
	return c.parse(data, path, func(string) error { return fmt.Errorf("#include is not possible here") })
}

func (c *Config) parse(data []byte, path string, include func(string) error) error {
	tokens, err := tokenize(string(data))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	p := parser{config: c, tokens: tokens, scopes: []string{""}, include: include}
	for !p.done() {
		if err := p.statement(); err != nil {
			return fmt.Errorf("%s:%d: %w", path, p.line(), err)
		}
	}
	if len(p.scopes) > 1 {
		return fmt.Errorf("%s: a scope is not closed: expected }", path)
	}
	return nil
}

// token is a word, a quoted string, a directive such as "#clear", or one of { } ;.
type token struct {
	text   string
	line   int
	quoted bool
}

type parser struct {
	config  *Config
	tokens  []token
	at      int
	scopes  []string // full names of the open scopes
	include func(string) error
}

func (p *parser) done() bool { return p.at >= len(p.tokens) }

func (p *parser) line() int {
	if p.at > 0 {
		return p.tokens[min(p.at, len(p.tokens))-1].line
	}
	return 1
}

func (p *parser) isSymbol(s string) bool {
	return !p.done() && !p.tokens[p.at].quoted && p.tokens[p.at].text == s
}

func (p *parser) take() token {
	t := p.tokens[p.at]
	p.at++
	return t
}

// statement reads "name value;", "name { … };", "value;" in a scope, "};" or a directive.
func (p *parser) statement() error {
	t := p.take()
	switch {
	case t.quoted:
		// A value by itself is an entry of the list that the scope is.
		if len(p.scopes) == 1 {
			return fmt.Errorf("value %q without a name", t.text)
		}
		p.config.Set(p.scope()+"::", t.text)
		return p.end()
	case t.text == ";":
		return nil
	case t.text == "}":
		if len(p.scopes) == 1 {
			return fmt.Errorf("unexpected }")
		}
		p.scopes = p.scopes[:len(p.scopes)-1]
		return nil
	case t.text == "{":
		return fmt.Errorf("unexpected {")
	case strings.HasPrefix(t.text, "#"):
		return p.directive(t.text)
	default:
		return p.option(t.text)
	}
}

func (p *parser) scope() string { return p.scopes[len(p.scopes)-1] }

func (p *parser) option(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	full := name
	if p.scope() != "" {
		full = p.scope() + "::" + name
	}
	if p.isSymbol("{") {
		p.at++
		return p.open(full)
	}
	if p.done() || p.isSymbol("}") {
		return fmt.Errorf("option %s: expected a value and ;", name)
	}
	if p.isSymbol(";") {
		// "name;" makes sure that there is such an option.
		p.config.root.make(full)
		return p.end()
	}
	p.config.Set(full, p.take().text)
	if p.isSymbol("{") {
		p.at++
		return p.open(full)
	}
	return p.end()
}

func (p *parser) open(full string) error {
	if len(p.scopes) > maxDepth {
		return fmt.Errorf("more than %d scopes within each other", maxDepth)
	}
	full = strings.TrimSuffix(full, "::")
	p.config.root.make(full)
	p.scopes = append(p.scopes, full)
	return nil
}

func (p *parser) directive(name string) error {
	if p.done() {
		return fmt.Errorf("%s needs an argument", name)
	}
	argument := p.take().text
	switch name {
	case "#clear":
		p.config.Clear(strings.TrimSuffix(argument, "::"))
	case "#include":
		if err := p.include(argument); err != nil {
			return err
		}
	default:
		return fmt.Errorf("unknown directive %s", name)
	}
	return p.end()
}

// end takes the semicolon after a statement, which may be missing at the end of a scope.
func (p *parser) end() error {
	if p.isSymbol(";") {
		p.at++
		return nil
	}
	if p.isSymbol("}") {
		return nil
	}
	return fmt.Errorf("expected ;")
}

func checkName(name string) error {
	for i := range len(name) {
		c := name[i]
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alnum && !strings.ContainsRune("/-:._+@*", rune(c)) {
			return fmt.Errorf("character %q is not allowed in the name of an option: %q", c, name)
		}
	}
	return nil
}

// tokenize splits the text of a file and drops comments: "//" and "#" to the end of a line, and
// "/* … */".
func tokenize(text string) ([]token, error) {
	var tokens []token
	line := 1
	for i := 0; i < len(text); {
		rest := text[i:]
		switch c := text[i]; {
		case c == '\n':
			line++
			i++
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v':
			i++
		case strings.HasPrefix(rest, "//"), c == '#' && directive(rest) == "":
			i += lineLength(rest)
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest, "*/")
			if end < 0 {
				return nil, fmt.Errorf("line %d: a comment is not closed", line)
			}
			line += strings.Count(rest[:end], "\n")
			i += end + 2
		case c == '"':
			end := strings.IndexByte(rest[1:], '"')
			if end < 0 {
				return nil, fmt.Errorf("line %d: a quote is not closed", line)
			}
			tokens = append(tokens, token{text: rest[1 : end+1], line: line, quoted: true})
			line += strings.Count(rest[:end+1], "\n")
			i += end + 2
		case c == '{' || c == '}' || c == ';':
			tokens = append(tokens, token{text: rest[:1], line: line})
			i++
		default:
			n := max(1, wordLength(rest))
			tokens = append(tokens, token{text: rest[:n], line: line})
			i += n
		}
	}
	return tokens, nil
}

func directive(rest string) string {
	for _, d := range []string{"#clear", "#include"} {
		if len(rest) > len(d) && rest[:len(d)] == d && (rest[len(d)] == ' ' || rest[len(d)] == '\t') {
			return d
		}
	}
	return ""
}

func lineLength(rest string) int {
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		return i
	}
	return len(rest)
}

// wordLength finds the end of an unquoted word. "//" is part of it: values such as URIs may come
// without quotes.
func wordLength(rest string) int {
	if i := strings.IndexAny(rest, " \t\r\n\f\v{};\""); i >= 0 {
		return i
	}
	return len(rest)
}
