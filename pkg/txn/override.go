package txn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
)

// planOverrides edits the lists of overrides. Whether they fit the base is not known yet.
func (p *Plan) planOverrides() error {
	c, o := p.Change, p.origin
	if c.OverrideResetAll {
		o.OverrideRemove = nil
	}
	if c.ResetInitramfs {
		o.RegenerateInitramfs, o.InitramfsArgs, o.InitramfsEtc = false, nil, nil
	}
	var unknown []string
	for _, name := range distinct(c.OverrideReset) {
		before := len(o.OverrideRemove)
		o.OverrideRemove = slices.DeleteFunc(o.OverrideRemove, func(n string) bool { return n == name })
		if len(o.OverrideRemove) == before && !c.Idempotent && !c.OverrideResetAll {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		message := fmt.Sprintf("no override for package %s", quoted(unknown))
		if len(o.OverrideRemove) > 0 {
			message += "; overrides: " + quoted(o.OverrideRemove)
		}
		return &RequestError{Message: message}
	}
	var known []string
	for _, name := range distinct(c.OverrideRemove) {
		switch {
		case !slices.Contains(o.OverrideRemove, name):
			o.OverrideRemove = append(o.OverrideRemove, name)
		case !c.Idempotent:
			known = append(known, name)
		}
	}
	if len(known) > 0 {
		return &RequestError{Message: fmt.Sprintf("override already exists for package %s", quoted(known))}
	}
	slices.Sort(o.OverrideRemove)
	return nil
}

// removals are the packages of the base to be without, for the solver. What the base does not have
// is noted as inactive if it was asked for earlier, and refused if it is now. Packages that a system
// cannot do without are refused unless that is allowed.
func (p *Plan) removals() ([]string, error) {
	var active, missing, essential []string
	for _, name := range p.origin.OverrideRemove {
		fresh := slices.Contains(p.Change.OverrideRemove, name)
		found := inBase(p.base, name)
		switch {
		case len(found) > 0:
			active = append(active, name)
		case fresh:
			missing = append(missing, name)
		default:
			p.InactiveRemovals = append(p.InactiveRemovals, name)
		}
		if fresh && slices.ContainsFunc(found, func(pkg *apt.Package) bool { return pkg.Essential || pkg.Protected }) {
			essential = append(essential, name)
		}
	}
	switch {
	case len(missing) > 0:
		return nil, &RequestError{Message: fmt.Sprintf("package %s is not in the base%s", quoted(missing), p.layeredHint(missing))}
	case len(essential) > 0 && !p.Change.RemoveEssential:
		return nil, &RequestError{
			Message:         fmt.Sprintf("package %s is essential: without it the system may not start, and packages need not say that they depend on it", quoted(essential)),
			RemoveEssential: true,
		}
	}
	return active, nil
}

// layeredHint ends the message about packages that are not in the base and requested.
func (p *Plan) layeredHint(names []string) string {
	for _, name := range names {
		if slices.Contains(p.Requested, name) {
			return "; " + quoted([]string{name}) + " is layered: uninstall it"
		}
	}
	return ""
}

// inBase finds packages by NAME[:ARCH].
func inBase(base []*apt.Package, name string) []*apt.Package {
	name, arch, qualified := strings.Cut(name, ":")
	var found []*apt.Package
	for _, p := range base {
		if p.Name == name && (!qualified || p.Architecture == arch || p.Architecture == "all") {
			found = append(found, p)
		}
	}
	return found
}

// staying are the packages of the base that are not removed.
func (p *Plan) staying() []*apt.Package {
	return slices.DeleteFunc(slices.Clone(p.base), func(pkg *apt.Package) bool { return slices.Contains(p.solution.Remove, pkg) })
}

// purges names what dpkg is to purge.
func (p *Plan) purges() []string {
	var names []string
	for _, pkg := range p.solution.Remove {
		name := pkg.Name
		if pkg.Architecture != "all" {
			name += ":" + pkg.Architecture
		}
		names = append(names, name)
	}
	return names
}
