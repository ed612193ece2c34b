package conf

import (
	"strconv"
	"strings"
)

// Config is a tree of options. The zero value is empty and ready to use, and a nil *Config reads
// as empty. Reading is safe for concurrent use as long as nobody calls Set or Merge.
type Config struct {
	root node
}

// node is an option: it may have a value and options below it. Entries of a list have no name.
type node struct {
	name     string // as first written
	value    string
	children []*node
}

// Lookup returns the value of an option and whether there is one. An option that only has others
// below it has the value "".
func (c *Config) Lookup(name string) (string, bool) {
	n := c.find(name)
	if n == nil {
		return "", false
	}
	return n.value, true
}

// Get returns the value of an option, "" without one.
func (c *Config) Get(name string) string {
	value, _ := c.Lookup(name)
	return value
}

// Bool returns the value of an option as apt understands it (yes, true, with, on, enable and numbers
// other than 0), or otherwise if it is missing or neither yes nor no.
func (c *Config) Bool(name string, otherwise bool) bool {
	if b := c.LookupBool(name); b != nil {
		return *b
	}
	return otherwise
}

// LookupBool is [Config.Bool] with nil for a value that is missing or neither yes nor no.
func (c *Config) LookupBool(name string) *bool {
	value := c.Get(name)
	var b bool
	switch strings.ToLower(value) {
	case "yes", "true", "with", "on", "enable":
		b = true
	case "no", "false", "without", "off", "disable":
	default:
		n, err := strconv.Atoi(value)
		if err != nil {
			return nil
		}
		b = n != 0
	}
	return &b
}

// Int returns the value of an option as a number, or otherwise if it is missing or no number.
func (c *Config) Int(name string, otherwise int) int {
	n, err := strconv.Atoi(c.Get(name))
	if err != nil {
		return otherwise
	}
	return n
}

// List returns the values of the options directly below name, in their order: those of
// "Name { "a"; "b"; };".
func (c *Config) List(name string) []string {
	n := c.find(name)
	if n == nil {
		return nil
	}
	var values []string
	for _, child := range n.children {
		values = append(values, child.value)
	}
	return values
}

// Names returns the names of the options directly below name, in their order and as first written.
func (c *Config) Names(name string) []string {
	n := c.find(name)
	if n == nil {
		return nil
	}
	var names []string
	for _, child := range n.children {
		if child.name != "" {
			names = append(names, child.name)
		}
	}
	return names
}

// Set gives an option a value, as a line in a file would: a name that ends in "::" appends to a list.
func (c *Config) Set(name, value string) {
	if list, ok := strings.CutSuffix(name, "::"); ok {
		n := c.root.make(list)
		n.children = append(n.children, &node{value: value})
		return
	}
	c.root.make(name).value = value
}

// Clear removes an option and everything below it, as "#clear" does.
func (c *Config) Clear(name string) {
	if n := c.find(name); n != nil {
		n.value, n.children = "", nil
	}
}

// Architectures returns the native architecture of the configuration and the foreign ones, "" and
// nil when it says nothing and dpkg has to be asked.
func (c *Config) Architectures() (native string, foreign []string) {
	native = c.Get("APT::Architecture")
	for _, a := range c.List("APT::Architectures") {
		if a != native {
			foreign = append(foreign, a)
		}
	}
	return native, foreign
}

func (c *Config) find(name string) *node {
	if c == nil {
		return nil
	}
	n := &c.root
	for part := range strings.SplitSeq(name, "::") {
		if n = n.child(part); n == nil {
			return nil
		}
	}
	return n
}

func (n *node) child(name string) *node {
	if name == "" {
		return nil
	}
	for _, c := range n.children {
		if strings.EqualFold(c.name, name) {
			return c
		}
	}
	return nil
}

// make returns the node at a path, creating what is missing. Empty parts are passed over.
func (n *node) make(name string) *node {
	for part := range strings.SplitSeq(name, "::") {
		if part == "" {
			continue
		}
		next := n.child(part)
		if next == nil {
			next = &node{name: part}
			n.children = append(n.children, next)
		}
		n = next
	}
	return n
}
