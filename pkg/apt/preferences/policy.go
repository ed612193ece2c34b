package preferences

import (
	"github.com/apt-ostree/apt-ostree/pkg/apt"
)

// Priorities without any pin, of apt_preferences(5).
const (
	NotAutomatic   = 1   // of an archive with NotAutomatic
	Installed      = 100 // of what is installed, and of an archive with ButAutomaticUpgrades besides
	Default        = 500
	defaultRelease = 990
)

// Options are what besides pins a policy depends on.
type Options struct {
	// Architecture is the native one. It is required.
	Architecture string
	// DefaultRelease is APT::Default-Release: a suite, codename or version that gets priority 990.
	DefaultRelease string
	// MachineID is the content of /etc/machine-id, which decides when this machine takes part in a
	// phased update. "" means at once: a commit that is composed for many machines has no machine.
	MachineID string
	// PhaseNever holds phased updates back until they are complete, and PhaseAlways takes them at once, as
	// APT::Get::Never-Include-Phased-Updates and Always-Include-Phased-Updates.
	PhaseNever, PhaseAlways bool
}

// Policy gives package versions their priority.
type Policy struct {
	options           Options
	general, specific []Pin
}

// NewPolicy makes a policy of pins, in the order of their files.
func NewPolicy(pins []Pin, o Options) (*Policy, error) {
	p := &Policy{options: o}
	if o.DefaultRelease != "" {
		release, err := parseRelease(o.DefaultRelease)
		if err != nil {
			return nil, err
		}
		p.general = append(p.general, Pin{Packages: []string{"*"}, Type: "release", Match: o.DefaultRelease, Priority: defaultRelease,
			match: matcher{kind: "release", release: release}})
	}
	for _, pin := range pins {
		// A general pin of versions is one of all packages.
		if pin.general() && pin.match.kind != "version" && pin.match.kind != "source-version" {
			p.general = append(p.general, pin)
		} else {
			p.specific = append(p.specific, pin)
		}
	}
	return p, nil
}

// Priority returns the priority of a version that archives offer, or that is installed, or both: that of
// the first pin that names it, else the highest one of where it is from. It is [Never] if it is not
// installed and no archive may be used.
func (p *Policy) Priority(pkg *apt.Package, installed bool) int {
	best := Never
	if installed {
		best = Installed
	}
	for _, o := range origins(pkg) {
		best = max(best, p.origin(o, arch(pkg, p.options.Architecture)))
	}
	if !installed && pkg.Origin == nil {
		best = Default // nobody says where it is from
	}
	if best == Never {
		return Never
	}
	for i := range p.specific {
		if pin := &p.specific[i]; p.pins(pin, pkg) {
			return pin.Priority
		}
	}
	return best
}

// origins are the parts of archives that have a version.
func origins(pkg *apt.Package) []*apt.Origin {
	if pkg.Origin == nil {
		return nil
	}
	return append([]*apt.Origin{pkg.Origin}, pkg.AlsoFrom...)
}

// origin returns the priority of a part of an archive: that of the first pin about it, whatever comes
// later, but that "never" always counts.
func (p *Policy) origin(o *apt.Origin, architecture string) int {
	found := 0
	for i := range p.general {
		pin := &p.general[i]
		if !pin.match.matchesOrigin(o, architecture) {
			continue
		}
		if pin.Priority == Never {
			return Never
		}
		if found == 0 {
			found = pin.Priority
		}
	}
	switch {
	case found != 0:
		return found
	case o.NotAutomatic && o.ButAutomaticUpgrades:
		return Installed
	case o.NotAutomatic:
		return NotAutomatic
	}
	return Default
}

// pins reports whether a specific pin is about a version.
func (p *Policy) pins(pin *Pin, pkg *apt.Package) bool {
	named := false
	for _, pattern := range pin.packages {
		named = named || pattern.matches(pkg, p.options.Architecture)
	}
	if !named {
		return false
	}
	switch pin.match.kind {
	case "version":
		return pin.match.version.matches(pkg.Version.String())
	case "source-version":
		return pin.match.version.matches(pkg.SourceVersion.String())
	}
	for _, o := range origins(pkg) {
		if pin.match.matchesOrigin(o, arch(pkg, p.options.Architecture)) {
			return true
		}
	}
	return false
}
