package apt

import (
	"slices"
	"strings"
)

// memory is a store of packages that are all in memory.
type memory struct {
	packages  []*Package        // by name, newest first
	sorted    []string          // names
	spans     map[string][2]int // name → its packages
	providing map[string][]*Package
}

func newMemory(packages []*Package) *memory {
	m := &memory{packages: slices.DeleteFunc(slices.Clone(packages), func(p *Package) bool { return p == nil })}
	slices.SortStableFunc(m.packages, compareInUniverse)
	m.packages = dropRepeated(m.packages, copyAlsoFrom)
	m.spans = make(map[string][2]int, len(m.packages))
	for from := 0; from < len(m.packages); {
		to := from + 1
		for to < len(m.packages) && m.packages[to].Name == m.packages[from].Name {
			to++
		}
		m.sorted = append(m.sorted, m.packages[from].Name)
		m.spans[m.packages[from].Name] = [2]int{from, to}
		from = to
	}
	m.providing = make(map[string][]*Package)
	for _, p := range m.packages {
		for _, r := range p.Provides {
			// One package may provide several versions of one name.
			if have := m.providing[r.Name]; len(have) == 0 || have[len(have)-1] != p {
				m.providing[r.Name] = append(have, p)
			}
		}
	}
	return m
}

func (m *memory) versions(name string) []*Package {
	s := m.spans[name]
	return m.packages[s[0]:s[1]:s[1]]
}

func (m *memory) providers(name string) []*Package { return m.providing[name] }

func (m *memory) names() []string { return m.sorted }

func (m *memory) essential() []*Package {
	var list []*Package
	for _, p := range m.packages {
		if p.Essential {
			list = append(list, p)
		}
	}
	return list
}

func (m *memory) err() error { return nil }

func (m *memory) search(terms []string) []Match {
	q := newQuery(terms)
	var found []Match
	for _, name := range m.sorted {
		p := m.packages[m.spans[name][0]]
		if inName, inSummary := q.match([]byte(name), []byte(strings.ToLower(p.Summary))); inName || inSummary {
			found = append(found, Match{p, inName, inSummary})
		}
	}
	return found
}

// copyAlsoFrom returns a copy of p, which is the caller's, that is from another archive as well.
func copyAlsoFrom(p *Package, o *Origin) *Package {
	if o == nil {
		return p
	}
	other := *p
	other.AlsoFrom = append(slices.Clip(p.AlsoFrom), o)
	return &other
}
