package dpkg

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// An Interest says that a package is to be told of a trigger.
type Interest struct {
	// Trigger is an absolute path, or the name of an explicit trigger.
	Trigger string
	// Package is a name, with ":ARCH" for one that can be installed for several.
	Package string
	// NoAwait says that nobody waits until it has processed the trigger.
	NoAwait bool
}

// FileInterests returns the interests in file triggers, in the order of the file triggers/File.
func (d *Database) FileInterests() ([]Interest, error) {
	text, err := d.read("triggers/File")
	if err != nil {
		return nil, err
	}
	return ParseFileInterests(text)
}

// ParseFileInterests reads a file triggers/File: "path package[/noawait]" per line.
func ParseFileInterests(text []byte) ([]Interest, error) {
	all, err := lines(text, "triggers/File")
	if err != nil {
		return nil, err
	}
	var list []Interest
	for _, line := range all {
		i := strings.LastIndexByte(line, ' ')
		if i <= 0 || line[0] != '/' || i == len(line)-1 {
			return nil, fmt.Errorf("triggers/File: %q is not a path and a package", line)
		}
		list = append(list, interest(line[:i], line[i+1:]))
	}
	return list, nil
}

// FormatFileInterests is a file triggers/File.
func FormatFileInterests(list []Interest) []byte {
	var b strings.Builder
	for _, i := range list {
		b.WriteString(i.Trigger + " " + i.who() + "\n")
	}
	return []byte(b.String())
}

// Interests returns the interests in an explicit trigger.
func (d *Database) Interests(trigger string) ([]Interest, error) {
	if !fs.ValidPath(trigger) || strings.Contains(trigger, "/") {
		return nil, fmt.Errorf("%q is no explicit trigger", trigger)
	}
	text, err := d.read("triggers/" + trigger)
	if err != nil {
		return nil, err
	}
	all, err := lines(text, "triggers/"+trigger)
	if err != nil {
		return nil, err
	}
	list := make([]Interest, len(all))
	for i, line := range all {
		list[i] = interest(trigger, line)
	}
	return list, nil
}

// FormatInterests is the file of an explicit trigger.
func FormatInterests(list []Interest) []byte {
	var b strings.Builder
	for _, i := range list {
		b.WriteString(i.who() + "\n")
	}
	return []byte(b.String())
}

// AddInterest returns the list with an interest as its last, in place of one of the same package in
// the same trigger. In the file of file triggers dpkg changes it where it is.
func AddInterest(list []Interest, add Interest) []Interest {
	at := slices.IndexFunc(list, func(i Interest) bool { return i.Trigger == add.Trigger && i.Package == add.Package })
	if at < 0 {
		return append(list, add)
	}
	if add.Trigger[0] == '/' {
		list[at] = add
		return list
	}
	return append(slices.Delete(list, at, at+1), add)
}

func interest(trigger, who string) Interest {
	name, noawait := strings.CutSuffix(who, "/noawait")
	return Interest{Trigger: trigger, Package: name, NoAwait: noawait}
}

func (i Interest) who() string {
	if i.NoAwait {
		return i.Package + "/noawait"
	}
	return i.Package
}

// An Activation is a trigger that was activated and that no dpkg has taken note of yet.
type Activation struct {
	Trigger string
	// Awaiting are the packages that wait until it is processed, "-" for none.
	Awaiting []string
}

// Unincorporated returns the activations in triggers/Unincorp.
func (d *Database) Unincorporated() ([]Activation, error) {
	text, err := d.read("triggers/Unincorp")
	if err != nil {
		return nil, err
	}
	return ParseActivations(text)
}

// ParseActivations reads a file triggers/Unincorp: "trigger package…" per line.
func ParseActivations(text []byte) ([]Activation, error) {
	all, err := lines(text, "triggers/Unincorp")
	if err != nil {
		return nil, err
	}
	var list []Activation
	for _, line := range all {
		words := strings.Fields(line)
		if len(words) < 2 {
			return nil, fmt.Errorf("triggers/Unincorp: %q is not a trigger and packages", line)
		}
		list = append(list, Activation{words[0], words[1:]})
	}
	return list, nil
}

// FormatActivations is a file triggers/Unincorp.
func FormatActivations(list []Activation) []byte {
	var b strings.Builder
	for _, a := range list {
		b.WriteString(a.Trigger + " " + strings.Join(a.Awaiting, " ") + "\n")
	}
	return []byte(b.String())
}
