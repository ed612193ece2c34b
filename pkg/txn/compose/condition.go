package compose

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// conditionalInclude is an entry of conditional-include: a file, files, or a treefile in place, which
// counts if all conditions hold.
type conditionalInclude struct {
	If      stringList `yaml:"if"`
	Include yaml.Node  `yaml:"include"`
}

// conditionalIncludes merges the entries that count.
func (l *loader) conditionalIncludes(name string, merged *yaml.Node, entries []conditionalInclude) error {
	for i, entry := range entries {
		holds, err := l.allHold(entry.If)
		if err != nil {
			return fmt.Errorf("%s: conditional-include: entry %d: %w", name, i+1, err)
		}
		if !holds {
			continue
		}
		if entry.Include.Kind == yaml.MappingNode {
			if err := l.inline(name, merged, &entry.Include); err != nil {
				return err
			}
			continue
		}
		var files stringList
		if err := entry.Include.Decode(&files); err != nil {
			return fmt.Errorf("%s: conditional-include: entry %d: %w", name, i+1, yamlError(err))
		}
		for _, inc := range files {
			node, err := l.include(name, inc)
			if err != nil {
				return err
			}
			mergeInto(merged, node)
		}
	}
	return nil
}

// inline merges a treefile that stands in another one. It is of that file: its paths are relative to it.
func (l *loader) inline(name string, merged, root *yaml.Node) error {
	for _, key := range []string{"include", "arch-include", "conditional-include"} {
		if i := keyIndex(root, key); i >= 0 {
			return fmt.Errorf("%s:%d: a treefile in place includes nothing; write it to a file for %s", name, root.Content[i].Line, key)
		}
	}
	node, err := l.root(name, root)
	if err == nil {
		mergeInto(merged, node)
	}
	return err
}

func (l *loader) allHold(conditions []string) (bool, error) {
	if len(conditions) == 0 {
		return false, errors.New("there is no condition `if`")
	}
	for _, c := range conditions {
		if holds, err := l.holds(c); err != nil || !holds {
			return false, err
		}
	}
	return true, nil
}

var comparison = regexp.MustCompile(`^\s*([A-Za-z_][\w-]*)\s*(==|!=|<=|>=|<|>)\s*(.+?)\s*$`)

// holds evaluates VARIABLE OP VALUE, where the value is a number, true, false or a "string". Numbers are
// compared as such, anything else can only be equal or not.
func (l *loader) holds(condition string) (bool, error) {
	parts := comparison.FindStringSubmatch(condition)
	if parts == nil {
		return false, fmt.Errorf("%q is not VARIABLE OPERATOR VALUE, with one of == != < <= > >=", condition)
	}
	variable, op, want := parts[1], parts[2], parts[3]
	have, ok := l.vars[variable]
	if !ok { // what holds unless a treefile says otherwise
		have, ok = map[string]string{"basearch": l.opts.Architecture, "releasever": l.opts.Releasever}[variable]
	}
	if !ok {
		return false, fmt.Errorf("%q: there is no variable %s", condition, variable)
	}
	if text, ok := strings.CutPrefix(want, `"`); ok {
		if want, ok = strings.CutSuffix(text, `"`); !ok {
			return false, fmt.Errorf("%q: a string has a quote at each end", condition)
		}
	} else if number, err := strconv.ParseFloat(want, 64); err == nil {
		value, err := strconv.ParseFloat(have, 64)
		if err != nil {
			return false, fmt.Errorf("%q: %s is %q and no number", condition, variable, have)
		}
		return map[string]bool{
			"==": value == number, "!=": value != number, "<": value < number, "<=": value <= number, ">": value > number, ">=": value >= number,
		}[op], nil
	} else if want != "true" && want != "false" {
		return false, fmt.Errorf("%q: %s is neither a number nor true nor false; put a string into double quotes", condition, want)
	}
	switch op {
	case "==":
		return have == want, nil
	case "!=":
		return have != want, nil
	}
	return false, fmt.Errorf("%q: only numbers can be less or more", condition)
}

// learn takes the variables of a file, of which those of the including files win.
func (l *loader) learn(root *yaml.Node) error {
	var file struct {
		Releasever string            `yaml:"releasever"`
		Basearch   string            `yaml:"basearch"`
		Variables  map[string]string `yaml:"variables"`
	}
	if err := root.Decode(&file); err != nil {
		return yamlError(err)
	}
	set := func(name, value string) {
		if _, there := l.vars[name]; !there && value != "" {
			l.vars[name] = value
		}
	}
	set("releasever", file.Releasever)
	set("basearch", file.Basearch)
	for name, value := range file.Variables {
		set(name, value)
	}
	return nil
}
