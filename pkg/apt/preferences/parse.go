package preferences

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/internal/inroot"
)

// Never is the priority that "Pin-Priority: never" gives: what has it is not used at all.
const Never = math.MinInt16

// Pin is one record: packages, which of their versions or archives, and the priority of these.
type Pin struct {
	// Packages are names, patterns, /expressions/ and src:names, each perhaps with an architecture.
	// "*" alone makes a general pin, which is about archives.
	Packages []string
	// Type is "version", "source-version", "release" or "origin", Match what follows it.
	Type, Match string
	// Priority is what the pin gives, or [Never].
	Priority int
	// File and Line say where the record is.
	File string
	Line int

	packages []packagePattern
	match    matcher
}

// general reports whether the pin is about archives instead of packages.
func (p *Pin) general() bool { return len(p.Packages) == 1 && p.Packages[0] == "*" }

// Load reads the pins of the system at root, "/" for the running one: /etc/apt/preferences first, then
// the files of /etc/apt/preferences.d without an extension or with .pref, sorted by name. Missing files
// are no error.
func Load(root string) ([]Pin, error) {
	parts, err := inroot.Parts(root, "etc/apt/preferences.d", "", ".pref")
	if err != nil {
		return nil, err
	}
	var all []Pin
	for _, file := range append([]string{"etc/apt/preferences"}, parts...) {
		data, err := inroot.ReadFile(root, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		pins, err := Parse(data, "/"+file)
		if err != nil {
			return nil, err
		}
		all = append(all, pins...)
	}
	return all, nil
}

// Parse reads the records of a file; its name is for errors. Explanations and unknown fields are
// ignored, and so is a record of comments alone.
func Parse(data []byte, file string) ([]Pin, error) {
	s := deb822.NewScanner(string(data), deb822.Options{Comments: true})
	var all []Pin
	for s.Next() {
		p := s.Paragraph()
		if onlyExplained(p) {
			continue
		}
		pin, err := parsePin(p)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, p.Line(""), err)
		}
		pin.File, pin.Line = file, p.Line("")
		all = append(all, *pin)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return all, nil
}

func onlyExplained(p deb822.Paragraph) bool {
	for f := range p.All() {
		if !strings.EqualFold(f.Name, "Explanation") {
			return false
		}
	}
	return true
}

func parsePin(p deb822.Paragraph) (*Pin, error) {
	pin := &Pin{Packages: strings.Fields(p.Get("Package"))}
	if len(pin.Packages) == 0 {
		return nil, errors.New("a pin has no field Package")
	}
	var err error
	if pin.Priority, err = parsePriority(p.Get("Pin-Priority"), pin.general()); err != nil {
		return nil, err
	}
	pin.Type, pin.Match, _ = strings.Cut(strings.TrimSpace(deb822.Unfold(p.Get("Pin"))), " ")
	pin.Type, pin.Match = strings.ToLower(pin.Type), strings.TrimSpace(pin.Match)
	if pin.match, err = newMatcher(pin.Type, pin.Match); err != nil {
		return nil, err
	}
	for _, text := range pin.Packages {
		pattern, err := newPackagePattern(text)
		if err != nil {
			return nil, err
		}
		pin.packages = append(pin.packages, pattern)
	}
	return pin, nil
}

func parsePriority(text string, general bool) (int, error) {
	if strings.EqualFold(text, "never") {
		if !general {
			return 0, errors.New("Pin-Priority never is for Package: * only")
		}
		return Never, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("Pin-Priority %q is not a number", text)
	case n == 0:
		return 0, errors.New("Pin-Priority 0 has no meaning: use a negative number to keep a package out")
	case n <= Never || n > math.MaxInt16:
		return 0, fmt.Errorf("Pin-Priority %d is not between %d and %d", n, Never+1, math.MaxInt16)
	}
	return n, nil
}
