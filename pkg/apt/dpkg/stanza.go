package dpkg

import (
	"bufio"
	"io"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
)

// statusFields are the fields that dpkg knows, in the order in which it writes them. All others follow
// in the order of the package.
func statusFields() []string {
	return []string{
		"Package", "Essential", "Protected", "Status", "Priority", "Section", "Installed-Size", "Origin", "Maintainer", "Bugs",
		"Architecture", "Multi-Arch", "Source", "Version", "Config-Version", "Replaces", "Provides", "Depends", "Pre-Depends",
		"Recommends", "Suggests", "Breaks", "Conflicts", "Enhances", "Conffiles", "Filename", "Size", "MD5sum", "Description",
		"Triggers-Pending", "Triggers-Awaited",
	}
}

// Unpacked returns the entry of a package that was just unpacked for the first time, from the control
// paragraph of its .deb.
func Unpacked(control deb822.Paragraph, conffiles []Conffile) (Entry, error) {
	e, err := parseEntry(control, [3]string{"install", "ok", "unpacked"})
	e.Conffiles = conffiles
	return e, err
}

// Text returns the entry as dpkg writes it, with the line end but without the empty line between two.
// What the fields of the Entry say counts, the rest is taken from Paragraph byte by byte.
func (e Entry) Text() string {
	known := statusFields()
	values := make([]string, len(known))
	var others strings.Builder
	for name, value := range rawFields(e.Paragraph.Raw()) {
		i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
		if i < 0 {
			others.WriteString(name + ": " + value + "\n")
			continue
		}
		values[i] = canonical(known[i], value)
	}
	var b strings.Builder
	for i, name := range known {
		switch name {
		case "Status":
			values[i] = e.Want + " " + e.Flag + " " + e.State
		case "Config-Version":
			values[i] = e.configVersion()
		case "Conffiles":
			b.WriteString(conffilesText(e.Conffiles))
			continue
		case "Filename", "Size", "MD5sum": // of an archive, and not kept
			continue
		case "Triggers-Pending":
			values[i] = strings.Join(e.TriggersPending, " ")
		case "Triggers-Awaited":
			values[i] = strings.Join(e.TriggersAwaited, " ")
		}
		if values[i] != "" {
			b.WriteString(name + ": " + values[i] + "\n")
		}
	}
	return b.String() + others.String()
}

// configVersion is left out where it is known without saying.
func (e Entry) configVersion() string {
	switch e.State {
	case "installed", "not-installed", "triggers-pending":
		return ""
	}
	return e.ConfigVersion
}

// conffilesText is the field Conffiles.
func conffilesText(list []Conffile) string {
	if len(list) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("Conffiles:\n")
	for _, c := range list {
		b.WriteString(" " + c.Path + " " + c.Hash)
		if c.Obsolete {
			b.WriteString(" obsolete")
		}
		if c.Remove {
			b.WriteString(" remove-on-upgrade")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// canonical is a value as dpkg writes it after it has read it.
func canonical(name, value string) string {
	switch name {
	case "Replaces", "Depends", "Pre-Depends", "Recommends", "Suggests", "Breaks", "Conflicts", "Enhances":
		if groups, err := relation.ParseDepends(value); err == nil {
			return relation.Format(groups)
		}
	case "Provides":
		if list, err := relation.ParseProvides(value); err == nil {
			groups := make([]relation.Group, len(list))
			for i, r := range list {
				groups[i] = relation.Group{r}
			}
			return relation.Format(groups)
		}
	case "Essential", "Protected", "Multi-Arch":
		if value == "no" {
			return ""
		}
	}
	return value
}

// rawFields yields names and values as dpkg's reader sees them: blanks before a value and after its
// last line are left out, and nothing else is.
func rawFields(raw string) func(func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		var name string
		var value strings.Builder
		flush := func() bool {
			if name == "" {
				return true
			}
			return yield(name, strings.TrimRight(strings.TrimLeft(value.String(), " \t"), " \t\n\r\v\f"))
		}
		for line := range strings.Lines(raw) {
			if line[0] == '#' {
				continue
			}
			if line[0] != ' ' && line[0] != '\t' {
				if !flush() {
					return
				}
				value.Reset()
				name, line, _ = strings.Cut(line, ":")
				name = strings.TrimRight(name, " \t\n")
			}
			value.WriteString(line)
		}
		flush()
	}
}

// WriteStatus writes a status file as dpkg does: sorted by name and architecture, entries without any
// information left out.
func WriteStatus(w io.Writer, entries []Entry) error {
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, func(a, b Entry) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Architecture, b.Architecture)
	})
	out := bufio.NewWriter(w)
	for _, e := range sorted {
		if e.Want == "unknown" && e.Flag == "ok" && e.State == "not-installed" && e.Paragraph.Get("Section") == "" {
			continue
		}
		if _, err := out.WriteString(e.Text() + "\n"); err != nil {
			return err
		}
	}
	return out.Flush()
}
