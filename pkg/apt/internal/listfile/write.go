package listfile

import (
	"bufio"
	"errors"
	"io"
	"math"
	"slices"
)

// Entry is what a file says about a package.
type Entry struct {
	Name string
	// Summary is in lower case. It is kept of the first entry of each name.
	Summary string
	// Stanza is the text that [File.Stanza] gives back.
	Stanza    string
	Provides  []string
	Essential bool
}

// Write writes a file. The entries must be sorted by name; those of one name keep their order.
func Write(w io.Writer, entries []Entry) error {
	t, err := build(entries)
	if err != nil {
		return err
	}
	var lengths [sections]uint64
	for i, s := range t.sections {
		lengths[i] = uint64(len(s))
	}
	lengths[text] = t.text
	tables := uint32(0)
	for _, s := range t.sections[:summaryPool] {
		tables = update(tables, s)
	}
	out := bufio.NewWriterSize(w, 1<<20)
	head := appendHead(nil, lengths, tables, checksum(t.sections[summaryPool]))
	for _, s := range slices.Concat([][]byte{head}, t.sections[:]) {
		if _, err := out.Write(s); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if _, err := out.WriteString(e.Stanza); err != nil {
			return err
		}
	}
	return out.Flush()
}

// tables are all sections but the text.
type tables struct {
	sections [text][]byte
	text     uint64 // its length
	bytes    []byte // of a stanza
}

func build(entries []Entry) (*tables, error) {
	if len(entries) > maxPackages {
		return nil, errors.New("too many packages in one list")
	}
	t := new(tables)
	provided := map[string][]uint32{}
	last := ""
	for i, e := range entries {
		if i == 0 || e.Name != last {
			if e.Name <= last {
				return nil, errors.New("the packages of a list are not sorted")
			}
			t.entry(names, e.Name, i)
			t.number(summaries, len(t.sections[summaryPool]))
			t.sections[summaryPool] = append(t.sections[summaryPool], e.Summary...)
			last = e.Name
		}
		t.stanza(e.Stanza)
		if e.Essential {
			t.number(essential, i)
		}
		for _, name := range e.Provides {
			if list := provided[name]; len(list) == 0 || list[len(list)-1] != uint32(i) {
				provided[name] = append(list, uint32(i))
			}
		}
	}
	t.entry(names, "", len(entries))
	t.number(summaries, len(t.sections[summaryPool]))
	t.virtuals(provided)
	if t.text > maxText || len(t.sections[namePool]) > math.MaxUint32 || len(t.sections[summaryPool]) > math.MaxUint32 {
		return nil, errors.New("too much text in one list")
	}
	return t, nil
}

// virtuals adds what is provided, sorted.
func (t *tables) virtuals(provided map[string][]uint32) {
	sorted := make([]string, 0, len(provided))
	for name := range provided {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	for _, name := range sorted {
		t.entry(virtuals, name, len(t.sections[providers])/number)
		for _, i := range provided[name] {
			t.number(providers, int(i))
		}
	}
	t.entry(virtuals, "", len(t.sections[providers])/number)
}

// entry adds a name to a table, with the number of the first of what it has.
func (t *tables) entry(section int, name string, first int) {
	t.number(section, len(t.sections[namePool]))
	t.number(section, first)
	t.sections[namePool] = append(t.sections[namePool], name...)
}

func (t *tables) stanza(s string) {
	b := order.AppendUint64(t.sections[stanzas], t.text)
	b = order.AppendUint32(b, uint32(len(s)))
	t.bytes = append(t.bytes[:0], s...)
	t.sections[stanzas] = order.AppendUint32(b, checksum(t.bytes))
	t.text += uint64(len(s))
}

func (t *tables) number(section, n int) {
	t.sections[section] = order.AppendUint32(t.sections[section], uint32(n))
}
