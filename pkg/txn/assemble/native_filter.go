package assemble

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
)

// filter are the options --path-exclude and --path-include of dpkg(1), in their
// order. The last one that matches a path counts.
type filter struct {
	rules []filterRule
	// odd is an option of the tree's dpkg that a native unpack does not know;
	// "" for none.
	odd string
}

type filterRule struct {
	pattern string
	match   *regexp.Regexp
	include bool
}

// parseFilter reads options without their dashes, as in dpkg.cfg.
func parseFilter(options []string) (filter, error) {
	var f filter
	for _, option := range options {
		name, value, _ := strings.Cut(option, "=")
		if value == "" {
			name, value, _ = strings.Cut(option, " ")
		}
		name, value = strings.TrimSpace(name), strings.Trim(strings.TrimSpace(value), `"'`)
		switch {
		case name == "path-exclude" || name == "path-include":
			match, err := fnmatch(value)
			if err != nil {
				return f, fmt.Errorf("dpkg.cfg: %s %s: %w", name, value, err)
			}
			f.rules = append(f.rules, filterRule{value, match, name == "path-include"})
		case strings.HasPrefix(name, "force-"), strings.HasPrefix(name, "no-force-"), strings.HasPrefix(name, "refuse-"),
			name == "no-debsig", name == "log":
		case f.odd == "":
			f.odd = name
		}
	}
	return f, nil
}

// readFilter reads the configuration of the tree's dpkg.
func readFilter(root *os.Root) (filter, error) {
	const dir = "etc/dpkg/dpkg.cfg.d"
	entries, err := fs.ReadDir(root.FS(), dir)
	if err != nil && ignoreMissing(err) != nil {
		return filter{}, err
	}
	var files []string
	for _, e := range entries {
		if strings.Trim(e.Name(), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == "" {
			files = append(files, dir+"/"+e.Name())
		}
	}
	var options []string
	for _, name := range append(files, "etc/dpkg/dpkg.cfg", "root/.dpkg.cfg") {
		text, err := root.ReadFile(name)
		if err != nil {
			if ignoreMissing(err) != nil {
				return filter{}, err
			}
			continue
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				options = append(options, line)
			}
		}
	}
	return parseFilter(options)
}

// skips tells whether a path, absolute as the package has it, is left out.
func (f filter) skips(name string, dirOrLink bool) bool {
	skip := false
	for _, r := range f.rules {
		if r.match.MatchString(name) {
			skip = !r.include
		}
	}
	if !skip || !dirOrLink {
		return skip
	}
	// A directory is kept if something below it might be included again.
	return !slices.ContainsFunc(f.rules, func(r filterRule) bool {
		fixed := r.pattern
		if i := strings.IndexAny(fixed, `*?[\`); i >= 0 {
			fixed = fixed[:i]
		}
		fixed = strings.TrimRight(fixed, "/")
		return r.include && strings.HasPrefix(name, fixed)
	})
}

// fnmatch translates a pattern of fnmatch(3) without flags.
func fnmatch(pattern string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		case '\\':
			if i++; i < len(pattern) {
				b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
			}
		case '[':
			end := strings.IndexByte(pattern[i+1:], ']')
			if end == 0 || strings.HasPrefix(pattern[i+1:], "!]") {
				return nil, fmt.Errorf("bracket expression in %q", pattern)
			}
			if end < 0 {
				b.WriteString(`\[`)
				continue
			}
			set := strings.ReplaceAll(pattern[i+1:i+1+end], `\`, `\\`)
			if negated, ok := strings.CutPrefix(set, "!"); ok {
				set = "^" + negated
			}
			b.WriteString("[" + set + "]")
			i += end + 1
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	b.WriteString(`\z`)
	return regexp.Compile(b.String())
}
