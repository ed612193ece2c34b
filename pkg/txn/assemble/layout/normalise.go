package layout

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
)

// orderRule gives one form to files that record the same facts in the order of installation.
type orderRule struct {
	pattern string
	rewrite func([]byte) []byte
	why     string
}

func orderRules() []orderRule {
	return []orderRule{
		{"var/cache/debconf/config.dat", sortDebconf, "debconf reads it into a hash"},
		{"var/cache/debconf/templates.dat", sortDebconf, "as config.dat"},
		{"var/lib/ucf/hashfile", sortLines, "one line per file, ucf greps"},
		{"var/lib/ucf/registry", sortLines, "as hashfile"},
		{"var/lib/pam/seen", sortLines, "a set of profile names"},
		{"var/lib/apt/extended_states", sortParagraphs, "deb822, keyed by package and architecture"},
		{"var/lib/dpkg/diversions", sortTriples, "three lines each, found by name"},
		{"var/lib/dpkg/statoverride", sortLines, "one line per file"},
		{"var/lib/dpkg/triggers/*", sortLines, "interests; the order in which a trigger wakes packages follows their dependencies"},
		{"var/lib/dpkg/available", func([]byte) []byte { return nil }, "dselect's, and stale by nature"},
	}
}

// normalise makes two builds of the same packages give the same bytes.
func (f *folder) normalise(ctx context.Context) error {
	for _, rule := range orderRules() {
		found, err := f.glob(rule.pattern)
		if err != nil {
			return err
		}
		for _, name := range found {
			if err := f.rewrite(ctx, name, rule.rewrite); err != nil {
				return err
			}
		}
	}
	pending, _, _, err := f.read(ctx, "var/lib/dpkg/triggers/Unincorp")
	if err == nil && len(bytes.TrimSpace(pending)) > 0 {
		f.warn("dpkg has triggers that nobody processed: %s", bytes.TrimSpace(pending))
	}
	return err
}

// sortLines sorts the lines of a file that is a set of them.
func sortLines(data []byte) []byte {
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(data) == 0 {
		return nil
	}
	slices.Sort(lines)
	return []byte(strings.Join(lines, "\n") + "\n")
}

// sortTriples sorts dpkg's diversions: from, to, package. The file is left alone if it is not that.
func sortTriples(data []byte) []byte {
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines)%3 != 0 {
		return data
	}
	triples := slices.Collect(slices.Chunk(lines, 3))
	slices.SortStableFunc(triples, slices.Compare)
	return []byte(strings.Join(slices.Concat(triples...), "\n") + "\n")
}

// sortParagraphs sorts the paragraphs of a deb822 file by their text, which starts with the name.
func sortParagraphs(data []byte) []byte {
	return joinParagraphs(paragraphs(data))
}

// sortDebconf sorts the items of a debconf database (debconf-devel(7), the File driver) and the
// owners of each, which come in the order of installation.
func sortDebconf(data []byte) []byte {
	items := paragraphs(data)
	for i, item := range items {
		lines := strings.Split(item, "\n")
		for j, line := range lines {
			if list, ok := strings.CutPrefix(line, "Owners: "); ok {
				lines[j] = "Owners: " + sortList(list)
			}
		}
		items[i] = strings.Join(lines, "\n")
	}
	return joinParagraphs(items)
}

func sortList(list string) string {
	names := strings.Split(list, ", ")
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

func paragraphs(data []byte) []string {
	var list []string
	for p := range strings.SplitSeq(string(data), "\n\n") {
		if p = strings.Trim(p, "\n"); p != "" {
			list = append(list, p)
		}
	}
	return list
}

// joinParagraphs sorts and writes paragraphs, with an empty line after each as debconf and apt do.
func joinParagraphs(list []string) []byte {
	slices.SortFunc(list, func(a, b string) int {
		nameA, _, _ := strings.Cut(a, "\n")
		nameB, _, _ := strings.Cut(b, "\n")
		return cmp.Or(strings.Compare(nameA, nameB), strings.Compare(a, b))
	})
	var out []byte
	for _, p := range list {
		out = append(out, p...)
		out = append(out, '\n', '\n')
	}
	return out
}
