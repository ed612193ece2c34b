package txn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
)

// planOverrides edits the lists of overrides. Whether they fit the base is not known yet, nor which
// version of an archive is to stay.
func (p *Plan) planOverrides() error {
	c, o := p.Change, p.origin
	if c.OverrideResetAll {
		o.OverrideRemove, o.OverrideReplace, o.OverrideReplaceLocal = nil, nil, nil
	}
	if c.ResetInitramfs {
		o.RegenerateInitramfs, o.InitramfsArgs, o.InitramfsEtc = false, nil, nil
	}
	if err := resetOverrides(o, c); err != nil {
		return err
	}
	var known []string
	for _, name := range distinct(c.OverrideRemove) {
		switch {
		case !slices.Contains(o.OverrideRemove, name):
			resetOverride(o, name)
			o.OverrideRemove = append(o.OverrideRemove, name)
		case !c.Idempotent:
			known = append(known, name)
		}
	}
	for _, id := range distinct(c.OverrideReplaceLocal) {
		have := slices.Contains(o.OverrideReplaceLocal, id)
		switch {
		case !have:
			if err := replaceLocal(o, id); err != nil {
				return err
			}
		case !c.Idempotent:
			known = append(known, localNames([]string{id})...)
		}
	}
	for _, text := range distinct(c.OverrideReplace) {
		word, suite, _ := strings.Cut(text, "/")
		if suite == "" || c.Freeze {
			continue // see freeze
		}
		switch {
		case !slices.Contains(tracked(o)[suite], word):
			resetOverride(o, word)
			track(o, suite, word)
		case !c.Idempotent:
			known = append(known, word)
		}
	}
	if len(known) > 0 {
		return &RequestError{Message: fmt.Sprintf("override already exists for package %s", quoted(known))}
	}
	slices.Sort(o.OverrideRemove)
	return nil
}

// replaceLocal records a local replacement, in the place of another override of that package.
func replaceLocal(o *origin.Origin, id string) error {
	_, name, err := parseLocal(id)
	if err != nil {
		return err
	}
	fields := strings.Split(name, "_")
	resetOverride(o, fields[0])
	resetOverride(o, fields[0]+":"+fields[2])
	o.OverrideReplaceLocal = append(o.OverrideReplaceLocal, id)
	slices.Sort(o.OverrideReplaceLocal)
	return nil
}

// resetOverrides drops the overrides that the change names.
func resetOverrides(o *origin.Origin, c Change) error {
	var unknown []string
	for _, word := range distinct(c.OverrideReset) {
		if !resetOverride(o, word) && !c.Idempotent && !c.OverrideResetAll {
			unknown = append(unknown, word)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	message := fmt.Sprintf("no override for package %s", quoted(unknown))
	all := slices.Concat(o.OverrideRemove, localNames(o.OverrideReplaceLocal))
	for _, names := range tracked(o) {
		all = append(all, names...)
	}
	if len(all) > 0 {
		message += "; overrides: " + quoted(distinct(all))
	}
	return &RequestError{Message: message}
}

// resetOverride drops the overrides that a word means, and says whether there were any.
func resetOverride(o *origin.Origin, word string) bool {
	before := len(o.OverrideRemove)
	o.OverrideRemove = without(o.OverrideRemove, word)
	found := len(o.OverrideRemove) < before
	found = dropLocal(&o.OverrideReplaceLocal, word) || found
	return untrack(o, word) || found
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
		local := slices.ContainsFunc(p.RequestedLocal, func(id string) bool { return namesLocal(name, id) })
		if local || slices.Contains(p.Requested, name) {
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
	if p.solution == nil {
		return p.base
	}
	return slices.DeleteFunc(slices.Clone(p.base), func(pkg *apt.Package) bool { return slices.Contains(p.solution.Remove, pkg) })
}

// purges names what dpkg is to purge.
func (p *Plan) purges() []string {
	var names []string
	if p.solution == nil {
		return nil
	}
	for _, pkg := range p.solution.Remove {
		name := pkg.Name
		if pkg.Architecture != "all" {
			name += ":" + pkg.Architecture
		}
		names = append(names, name)
	}
	return names
}
