package dpkg

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// An Alternative is a generic name that one of several files provides, update-alternatives(1).
type Alternative struct {
	// Name is that of the link in /etc/alternatives.
	Name string
	// Manual says that the administrator chose, and not the highest priority.
	Manual bool
	// Link is the generic path; Slaves are links that change with it.
	Link   string
	Slaves []AlternativeSlave
	// Choices are the candidates.
	Choices []AlternativeChoice
}

// AlternativeSlave is a link that follows another one.
type AlternativeSlave struct{ Name, Link string }

// AlternativeChoice is a file that can provide the name.
type AlternativeChoice struct {
	Path     string
	Priority int
	// Slaves are the targets of the slave links, in their order; "" for none.
	Slaves []string
}

// Alternatives returns all of them, sorted by name.
func (d *Database) Alternatives() ([]Alternative, error) {
	files, err := fs.ReadDir(d.dir, "alternatives")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Alternative
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".dpkg-tmp") || f.IsDir() {
			continue
		}
		text, err := d.read("alternatives/" + f.Name())
		if err != nil {
			return nil, err
		}
		a, err := ParseAlternative(f.Name(), text)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// ParseAlternative reads a file of the directory alternatives.
func ParseAlternative(name string, text []byte) (Alternative, error) {
	a := Alternative{Name: name}
	rest := strings.Split(string(text), "\n")
	next := func() (string, bool) {
		if len(rest) < 2 { // what follows the last line end is no line
			return "", false
		}
		line := rest[0]
		rest = rest[1:]
		return line, true
	}
	broken := func(what string) (Alternative, error) {
		return a, fmt.Errorf("alternative %s: %s", name, what)
	}
	mode, _ := next()
	if mode != "auto" && mode != "manual" {
		return broken(fmt.Sprintf("status %q is neither auto nor manual", mode))
	}
	a.Manual = mode == "manual"
	if a.Link, _ = next(); !strings.HasPrefix(a.Link, "/") {
		return broken(fmt.Sprintf("link %q is not absolute", a.Link))
	}
	for {
		slave, ok := next()
		if !ok {
			return broken("the list of slaves is not ended")
		}
		if slave == "" {
			break
		}
		link, _ := next()
		if !strings.HasPrefix(link, "/") {
			return broken(fmt.Sprintf("slave %s has the link %q", slave, link))
		}
		a.Slaves = append(a.Slaves, AlternativeSlave{slave, link})
	}
	for {
		path, ok := next()
		if !ok {
			return broken("the list of choices is not ended")
		}
		if path == "" {
			return a, nil
		}
		text, _ := next()
		priority, err := strconv.Atoi(text)
		if err != nil {
			return broken(fmt.Sprintf("choice %s has the priority %q", path, text))
		}
		c := AlternativeChoice{Path: path, Priority: priority}
		for range a.Slaves {
			target, ok := next()
			if !ok {
				return broken("choice " + path + " lacks slaves")
			}
			c.Slaves = append(c.Slaves, target)
		}
		a.Choices = append(a.Choices, c)
	}
}

// Format is the file of the directory alternatives.
func (a Alternative) Format() []byte {
	var b strings.Builder
	b.WriteString(map[bool]string{false: "auto\n", true: "manual\n"}[a.Manual] + a.Link + "\n")
	for _, s := range a.Slaves {
		b.WriteString(s.Name + "\n" + s.Link + "\n")
	}
	b.WriteByte('\n')
	for _, c := range a.Choices {
		fmt.Fprintf(&b, "%s\n%d\n", c.Path, c.Priority)
		for _, s := range c.Slaves {
			b.WriteString(s + "\n")
		}
	}
	b.WriteByte('\n')
	return []byte(b.String())
}
