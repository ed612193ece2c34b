package txn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
)

// planRequests edits the lists of requests.
func (s *System) planRequests(p *Plan) error {
	o, c := p.origin, p.Change
	if c.UninstallAll {
		o.Requested, o.RequestedLocal, o.RequestedLocalOverride = nil, nil, nil
	}
	if err := drop(o, c); err != nil {
		return err
	}
	if err := add(o, c); err != nil {
		return err
	}
	if err := addLocal(o, c); err != nil {
		return err
	}
	slices.Sort(o.Requested)
	p.Requested = append(p.Requested, o.Requested...)
	p.RequestedLocal = append(p.RequestedLocal, locals(o)...)
	p.Refspec = o.Refspec
	return nil
}

// drop drops requests: a local package before an archive's of the same name, which then takes its place.
func drop(o *origin.Origin, c Change) error {
	var unknown []string
	for _, name := range distinct(c.Uninstall) {
		switch {
		case dropLocal(&o.RequestedLocal, name), dropLocal(&o.RequestedLocalOverride, name):
		case slices.Contains(o.Requested, name):
			o.Requested = without(o.Requested, name)
		case !c.Idempotent && !c.UninstallAll:
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	message := fmt.Sprintf("package/capability %s is not currently requested", quoted(unknown))
	if all := append(slices.Clone(o.Requested), localNames(locals(o))...); len(all) > 0 {
		message += "; requested: " + quoted(all)
	}
	return &RequestError{Message: message}
}

// dropLocal drops the entries that a word means and says whether there were any.
func dropLocal(list *[]string, word string) bool {
	before := len(*list)
	*list = slices.DeleteFunc(*list, func(id string) bool { return namesLocal(word, id) })
	return len(*list) < before
}

func add(o *origin.Origin, c Change) error {
	var known []string
	for _, name := range distinct(c.Install) {
		switch {
		case !slices.Contains(o.Requested, name):
			o.Requested = append(o.Requested, name)
		case !c.Idempotent:
			known = append(known, name)
		}
	}
	if len(known) > 0 {
		return &RequestError{Message: fmt.Sprintf("package/capability %s is already requested", quoted(known))}
	}
	return nil
}

// addLocal adds local packages, each in the place of what was asked for of the same name.
func addLocal(o *origin.Origin, c Change) error {
	var known []string
	for _, id := range distinct(c.InstallLocal) {
		_, name, err := parseLocal(id)
		if err != nil {
			return err
		}
		list, other := &o.RequestedLocal, &o.RequestedLocalOverride
		if c.ForceReplaceFiles {
			list, other = other, list
		}
		if slices.Contains(*list, id) {
			if !c.Idempotent {
				known = append(known, name)
			}
			continue
		}
		for _, l := range []*[]string{list, other} {
			*l = slices.DeleteFunc(*l, func(have string) bool { return sameLocal(have, id) })
		}
		*list = append(*list, id)
	}
	slices.Sort(o.RequestedLocal)
	slices.Sort(o.RequestedLocalOverride)
	if len(known) > 0 {
		return &RequestError{Message: fmt.Sprintf("package %s is already layered", quoted(known))}
	}
	return nil
}

// locals are all local packages that an origin asks for.
func locals(o *origin.Origin) []string {
	return slices.Sorted(slices.Values(slices.Concat(o.RequestedLocal, o.RequestedLocalOverride)))
}

// localNames are entries of local packages without their digests.
func localNames(ids []string) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		if _, name, ok := strings.Cut(id, ":"); ok {
			id = name
		}
		out = append(out, id)
	}
	return out
}

// without returns a list without an element.
func without(list []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(n string) bool { return n == name })
}

// distinct sorts names and drops repetitions.
func distinct(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }

func quoted(names []string) string { return "'" + strings.Join(names, "', '") + "'" }
