package edsp

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// Protocol is the version that is spoken.
const Protocol = "EDSP 0.5"

// Scenario is a request with all packages that are installed or can be.
type Scenario struct {
	Request  Request
	Packages []*Package
}

// Request is what APT wants. Names are "name:architecture".
type Request struct {
	Architecture string
	// Architectures are all that are enabled, the native one among them.
	Architectures   []string
	Install, Remove []string
	// UpgradeAll wants new versions of everything; ForbidNew and ForbidRemove limit what that may do.
	UpgradeAll              bool
	ForbidNew, ForbidRemove bool
	// Autoremove wants to be rid of what nothing needs.
	Autoremove bool
	// Other fields, as they are.
	MachineID, Solver, Preferences string
	// AnyVersion permits versions that are not the candidate: "Strict-Pinning: no".
	AnyVersion bool
}

// Package is a version of a package in a scenario.
type Package struct {
	*apt.Package
	// ID is what an answer calls it.
	ID string
	// Installed, Hold and Automatic say what dpkg and APT know about it, Candidate that APT would choose
	// this version.
	Installed, Hold, Automatic, Candidate bool
	// Pin is its priority.
	Pin int
}

// Read reads a scenario.
func Read(r io.Reader) (*Scenario, error) {
	reader := deb822.NewReader(r, deb822.Options{})
	p, err := reader.Next()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the scenario is empty")
	}
	if err != nil {
		return nil, err
	}
	s := new(Scenario)
	if err := s.Request.parse(p); err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for {
		p, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		pkg, err := parsePackage(p)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", p.Line(""), err)
		}
		if ids[pkg.ID] {
			return nil, fmt.Errorf("line %d: there are two packages with the APT-ID %s", p.Line(""), pkg.ID)
		}
		ids[pkg.ID] = true
		s.Packages = append(s.Packages, pkg)
	}
}

func (r *Request) parse(p deb822.Paragraph) error {
	protocol := p.Get("Request")
	if name, number, _ := strings.Cut(protocol, " "); name != "EDSP" || !strings.HasPrefix(number, "0.") {
		return fmt.Errorf("%q is not a protocol of the kind of %q", protocol, Protocol)
	}
	*r = Request{
		Architecture: p.Get("Architecture"), Architectures: words(p.Get("Architectures")),
		Install: words(p.Get("Install")), Remove: words(p.Get("Remove")),
		MachineID: p.Get("Machine-ID"), Solver: p.Get("Solver"), Preferences: p.Get("Preferences"),
	}
	if r.Architecture == "" {
		return errors.New("the request does not say its architecture")
	}
	for _, f := range []struct {
		name string
		to   *bool
	}{
		{"Upgrade-All", &r.UpgradeAll},
		{"Upgrade", &r.UpgradeAll},
		{"Dist-Upgrade", &r.UpgradeAll},
		{"Forbid-New-Install", &r.ForbidNew},
		{"Forbid-Remove", &r.ForbidRemove},
		{"Autoremove", &r.Autoremove},
	} {
		value, err := yes(p, f.name)
		if err != nil {
			return err
		}
		*f.to = *f.to || value
	}
	if _, given := p.Lookup("Strict-Pinning"); given {
		strict, err := yes(p, "Strict-Pinning")
		r.AnyVersion = !strict
		return err
	}
	return nil
}

func parsePackage(p deb822.Paragraph) (*Package, error) {
	pkg, err := apt.ParsePackage(p)
	if err != nil {
		return nil, err
	}
	out := &Package{Package: pkg, ID: p.Get("APT-ID")}
	if out.ID == "" || len(strings.Fields(out.ID)) != 1 {
		return nil, fmt.Errorf("%s has no APT-ID", pkg)
	}
	if v := p.Get("Source-Version"); v != "" {
		if pkg.SourceVersion, err = version.Parse(v); err != nil {
			return nil, fmt.Errorf("%s: %w", pkg, err)
		}
	}
	for name, to := range map[string]*bool{
		"Installed": &out.Installed, "Hold": &out.Hold, "APT-Automatic": &out.Automatic, "APT-Candidate": &out.Candidate,
	} {
		if *to, err = yes(p, name); err != nil {
			return nil, fmt.Errorf("%s: %w", pkg, err)
		}
	}
	if pin := p.Get("APT-Pin"); pin != "" {
		if out.Pin, err = strconv.Atoi(pin); err != nil {
			return nil, fmt.Errorf("%s: APT-Pin %q is not a number", pkg, pin)
		}
	}
	for i, line := range nonempty(strings.Split(p.Get("APT-Release"), "\n")) {
		if o := parseOrigin(line); i == 0 {
			pkg.Origin = o
		} else {
			pkg.AlsoFrom = append(pkg.AlsoFrom, o)
		}
	}
	return out, nil
}

// parseOrigin reads a line of APT-Release: "v=12.5,o=Debian,a=stable,n=bookworm,l=Debian,c=main,b=amd64".
func parseOrigin(line string) *apt.Origin {
	o := new(apt.Origin)
	for part := range strings.SplitSeq(line, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "v":
			o.Version = value
		case "o":
			o.Origin = value
		case "a":
			o.Suite = value
		case "n":
			o.Codename = value
		case "l":
			o.Label = value
		case "c":
			o.Component = value
		}
	}
	return o
}

func words(text string) []string {
	if list := strings.Fields(text); len(list) > 0 {
		return list
	}
	return nil
}

func nonempty(lines []string) []string {
	var list []string
	for _, l := range lines {
		if l = strings.TrimSpace(l); l != "" {
			list = append(list, l)
		}
	}
	return list
}

func yes(p deb822.Paragraph, name string) (bool, error) {
	switch value := strings.ToLower(p.Get(name)); value {
	case "yes":
		return true, nil
	case "", "no":
		return false, nil
	default:
		return false, fmt.Errorf("%s is %q, neither yes nor no", name, value)
	}
}
