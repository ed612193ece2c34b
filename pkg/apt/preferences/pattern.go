package preferences

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
)

// pattern matches a text: a glob as of fnmatch(3), or an extended regular expression between slashes.
type pattern struct {
	text       string
	expression *regexp.Regexp // nil: the text itself
}

func newPattern(text string) (pattern, error) {
	p := pattern{text: text}
	var err error
	switch {
	case len(text) > 1 && text[0] == '/' && text[len(text)-1] == '/':
		p.expression, err = regexp.Compile("(?i)" + text[1:len(text)-1])
	case strings.ContainsAny(text, `*?[\`):
		p.expression, err = regexp.Compile(globExpression(text))
	}
	if err != nil {
		return p, fmt.Errorf("%q is not a pattern: %w", text, err)
	}
	return p, nil
}

func (p pattern) matches(text string) bool {
	if p.expression == nil {
		return p.text == text
	}
	return p.expression.MatchString(text)
}

// globExpression writes a glob as a regular expression.
func globExpression(glob string) string {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		case '[':
			class, end := bracket(glob[i:])
			b.WriteString(class)
			i += end
		case '\\':
			if i+1 < len(glob) {
				i++
			}
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		default:
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	return b.String() + `\z`
}

// bracket writes a set of characters as a regular expression and says where it ends. An opening
// bracket without a closing one stands for itself.
func bracket(glob string) (expression string, end int) {
	start := 1
	if start < len(glob) && (glob[start] == '!' || glob[start] == '^') {
		start++
	}
	end = start
	if end < len(glob) && glob[end] == ']' {
		end++
	}
	for end < len(glob) && glob[end] != ']' {
		end++
	}
	if end >= len(glob) {
		return `\[`, 0
	}
	var b strings.Builder
	b.WriteByte('[')
	if start == 2 {
		b.WriteByte('^')
	}
	for _, c := range glob[start:end] {
		if strings.ContainsRune(`\[]^`, c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String() + "]", end
}

// packagePattern matches packages by name.
type packagePattern struct {
	name   pattern
	arch   string // "" stands for the native one
	source bool
}

func newPackagePattern(text string) (packagePattern, error) {
	var p packagePattern
	text, p.source = strings.CutPrefix(text, "src:")
	if !strings.HasPrefix(text, "/") {
		if i := strings.LastIndexByte(text, ':'); i >= 0 {
			text, p.arch = text[:i], text[i+1:]
		}
	}
	var err error
	p.name, err = newPattern(text)
	return p, err
}

// matches reports whether the pattern is about a package. A pattern without an architecture is about
// the native one only, except that of a source package.
func (p packagePattern) matches(pkg *apt.Package, native string) bool {
	if p.source {
		return p.name.matches(pkg.Source) && (p.arch == "" || p.arch == "any" || p.arch == arch(pkg, native))
	}
	switch p.arch {
	case "":
		if arch(pkg, native) != native {
			return false
		}
	case "any":
	case "native":
		return p.name.matches(pkg.Name) && arch(pkg, native) == native
	default:
		if arch(pkg, native) != p.arch {
			return false
		}
	}
	return p.name.matches(pkg.Name)
}

// arch is the architecture that a package counts as.
func arch(pkg *apt.Package, native string) string {
	if pkg.Architecture == "all" {
		return native
	}
	return pkg.Architecture
}

// matcher is the field Pin.
type matcher struct {
	kind    string
	version pattern
	site    *pattern
	release []releaseMatch
}

// releaseMatch is one condition on a Release file.
type releaseMatch struct {
	key   byte // of apt_preferences(5), or 0 for a bare word
	value pattern
}

func newMatcher(kind, text string) (m matcher, err error) {
	m.kind = kind
	switch kind {
	case "version", "source-version":
		m.version, err = newPattern(text)
	case "origin":
		site, patternErr := newPattern(strings.Trim(text, `"`))
		m.site, err = &site, patternErr
	case "release":
		m.release, err = parseRelease(text)
	default:
		return m, fmt.Errorf("pin type %q is not one of version, source-version, release and origin", kind)
	}
	if err == nil && text == "" {
		err = fmt.Errorf("pin %s says nothing to match", kind)
	}
	return m, err
}

// parseRelease reads "a=stable, c=main". Of a repeated key the last one counts. A word alone is a
// suite or codename, or a version if it starts with a digit.
func parseRelease(text string) ([]releaseMatch, error) {
	byKey := map[byte]pattern{}
	var keys []byte
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		key := byte(0)
		if len(part) > 1 && part[1] == '=' {
			key, part = part[0], strings.TrimSpace(part[2:])
			if !strings.ContainsRune("anvcolb", rune(key)) {
				return nil, fmt.Errorf("pin release: %q is not one of a, n, v, c, o, l and b", string(key))
			}
		} else if part != "" && '0' <= part[0] && part[0] <= '9' {
			key = 'v'
		}
		p, err := newPattern(strings.Trim(part, `"`))
		if err != nil {
			return nil, err
		}
		if _, known := byKey[key]; !known {
			keys = append(keys, key)
		}
		byKey[key] = p
	}
	var all []releaseMatch
	for _, key := range keys {
		all = append(all, releaseMatch{key, byKey[key]})
	}
	return all, nil
}

// matchesOrigin reports whether the pin is about the archive that o is part of.
func (m matcher) matchesOrigin(o *apt.Origin, architecture string) bool {
	switch m.kind {
	case "origin":
		return m.site.matches(site(o.URI))
	case "release":
		for _, r := range m.release {
			if !r.matches(o, architecture) {
				return false
			}
		}
		return true
	}
	return false
}

// site is the host of an archive, "" for one on this machine.
func site(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func (r releaseMatch) matches(o *apt.Origin, architecture string) bool {
	switch r.key {
	case 0:
		return r.value.matches(o.Suite) || r.value.matches(o.Codename)
	case 'a':
		return r.value.matches(o.Suite)
	case 'n':
		return r.value.matches(o.Codename)
	case 'v':
		return r.value.matches(o.Version)
	case 'c':
		return r.value.matches(o.Component)
	case 'o':
		return r.value.matches(o.Origin)
	case 'l':
		return r.value.matches(o.Label)
	}
	return r.value.matches(architecture)
}
