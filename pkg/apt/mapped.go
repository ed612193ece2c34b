package apt

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/internal/listfile"
)

// part is one package list of a universe.
type part struct {
	file   *listfile.File
	origin *Origin
	name   string // of the file in the cache; "" if it is not kept
}

// mapped is a store of package lists that are mapped into memory, the preferred one first. A package
// is parsed when it is asked for, once.
type mapped struct {
	parts  []part
	sorted func() []string // names

	mu        sync.Mutex // guards what follows
	packages  map[place]*Package
	named     map[string][]*Package
	providing map[string][]*Package
	failed    error
}

// place is where a package is: a number in a part.
type place struct{ part, number int }

func newMapped(parts []part) *mapped {
	m := &mapped{
		parts: parts, packages: map[place]*Package{},
		named: map[string][]*Package{}, providing: map[string][]*Package{},
	}
	m.sorted = sync.OnceValue(m.mergeNames)
	return m
}

func (m *mapped) versions(name string) []*Package {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.load(name)
}

// load is versions for whoever holds the lock.
func (m *mapped) load(name string) []*Package {
	if list, known := m.named[name]; known {
		return list
	}
	var list []*Package
	for i, part := range m.parts {
		at, found := part.file.Find(name)
		if !found {
			continue
		}
		from, to := part.file.Versions(at)
		for n := from; n < to; n++ {
			p, err := part.read(n, name)
			if err != nil {
				m.fail(err)
				continue
			}
			m.packages[place{i, n}] = p
			list = append(list, p)
		}
	}
	slices.SortStableFunc(list, compareNewest)
	list = dropRepeated(list, func(p *Package, o *Origin) *Package {
		p.AlsoFrom = append(p.AlsoFrom, o) // nobody else has seen it yet
		return p
	})
	if list != nil {
		m.named[name] = list // what does not exist is not remembered: there is no end to it
	}
	return list
}

// read parses a package, which must have the name it is listed under.
func (p part) read(n int, name string) (*Package, error) {
	stanza, err := p.file.Stanza(n)
	if err != nil {
		return nil, p.damaged(name, err)
	}
	s := deb822.NewScanner(stanza, deb822.Options{})
	if !s.Next() {
		return nil, p.damaged(name, cmp.Or(s.Err(), error(listfile.ErrDamaged)))
	}
	pkg := new(Package)
	if err := parsePackage(pkg, s.Paragraph()); err != nil {
		return nil, p.damaged(name, err)
	}
	if pkg.Name != name {
		return nil, p.damaged(name, listfile.ErrDamaged)
	}
	pkg.Origin = p.origin
	return pkg, nil
}

func (p part) damaged(name string, err error) error {
	return fmt.Errorf("the cached list of %s%s is damaged at %s: clean the cache and refresh: %w", p.origin.URI, p.origin, name, err)
}

// fail remembers the first error.
func (m *mapped) fail(err error) { m.failed = cmp.Or(m.failed, err) }

func (m *mapped) err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed
}

func (m *mapped) providers(name string) []*Package {
	m.mu.Lock()
	defer m.mu.Unlock()
	if list, known := m.providing[name]; known {
		return list
	}
	var list []*Package
	for i, part := range m.parts {
		list = append(list, m.members(i, part.file.Providers(name))...)
	}
	slices.SortStableFunc(list, compareInUniverse)
	if list != nil {
		m.providing[name] = list
	}
	return list
}

// members returns those of the packages of a part that are in the universe: no earlier part has them.
func (m *mapped) members(part int, numbers []int) []*Package {
	var list []*Package
	for _, n := range numbers {
		all := m.load(m.parts[part].file.Owner(n))
		if p := m.packages[place{part, n}]; p != nil && slices.Contains(all, p) {
			list = append(list, p)
		}
	}
	return list
}

func (m *mapped) essential() []*Package {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*Package
	for i, part := range m.parts {
		list = append(list, m.members(i, part.file.Essential())...)
	}
	slices.SortStableFunc(list, compareInUniverse)
	return list
}

func (m *mapped) names() []string { return m.sorted() }

func (m *mapped) mergeNames() []string {
	var all []string
	for _, part := range m.parts {
		for i := range part.file.Names() {
			all = append(all, part.file.Name(i))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// search looks at the summaries in the lists, and parses what matches. A package that a newer one in
// another list hides does not count.
func (m *mapped) search(terms []string) []Match {
	q := newQuery(terms)
	found := map[string]bool{}
	for _, part := range m.parts {
		err := part.file.Search(func(i int, name, summary []byte) {
			if inName, inSummary := q.match(name, summary); inName || inSummary {
				found[part.file.Name(i)] = true
			}
		})
		if err != nil {
			m.mu.Lock()
			m.fail(part.damaged("search", err))
			m.mu.Unlock()
		}
	}
	var packages []*Package
	for name := range found {
		if list := m.versions(name); len(list) > 0 {
			packages = append(packages, list[0])
		}
	}
	return newMemory(packages).search(terms)
}
