package deb

import "strings"

// Trigger is a line of the control file triggers, deb-triggers(5).
type Trigger struct {
	// Name is that of an explicit trigger, or the absolute path of a file trigger.
	Name string
	// Activate says that the package activates the trigger; else it is interested in it.
	Activate bool
	// NoAwait says that who activates does not wait until the trigger was processed.
	NoAwait bool
}

// File reports whether it is a file trigger: one that every change at or below a path activates.
func (t Trigger) File() bool { return strings.HasPrefix(t.Name, "/") }

// Triggers parses the control file triggers. A package without the file has none.
func (c Control) Triggers() ([]Trigger, error) {
	var list []Trigger
	for line := range strings.Lines(string(c["triggers"].Data)) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if len(words) != 2 {
			return nil, malformed("triggers: %q is not a directive and a name", strings.TrimSpace(line))
		}
		t, ok := directive(words[0])
		if t.Name = words[1]; !ok || !validTrigger(t.Name) {
			return nil, malformed("triggers: %q is no directive that dpkg knows", strings.TrimSpace(line))
		}
		list = append(list, t)
	}
	return list, nil
}

// directive interprets the first word of a line.
func directive(word string) (Trigger, bool) {
	switch word {
	case "interest", "interest-await":
		return Trigger{}, true
	case "interest-noawait":
		return Trigger{NoAwait: true}, true
	case "activate", "activate-await":
		return Trigger{Activate: true}, true
	case "activate-noawait":
		return Trigger{Activate: true, NoAwait: true}, true
	}
	return Trigger{}, false
}

// validTrigger reports whether dpkg accepts the name: printable ASCII.
func validTrigger(name string) bool {
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return name != ""
}
