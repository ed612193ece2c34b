package txn

import (
	"fmt"
	"slices"
	"strings"
)

// planRequests edits the list of requests.
func (s *System) planRequests(p *Plan) error {
	requested := slices.Clone(p.origin.Requested)
	if p.Change.UninstallAll {
		requested = nil
	}
	requested, err := drop(requested, p.Change)
	if err != nil {
		return err
	}
	if requested, err = add(requested, p.Change); err != nil {
		return err
	}
	slices.Sort(requested)
	p.Requested = append(p.Requested, requested...)
	p.origin.Requested = requested
	p.Refspec = p.origin.Refspec
	return nil
}

func drop(requested []string, c Change) ([]string, error) {
	var unknown []string
	for _, name := range distinct(c.Uninstall) {
		i := slices.Index(requested, name)
		switch {
		case i >= 0:
			requested = slices.Delete(requested, i, i+1)
		case !c.Idempotent && !c.UninstallAll:
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return requested, nil
	}
	message := fmt.Sprintf("package/capability %s is not currently requested", quoted(unknown))
	if len(requested) > 0 {
		message += "; requested: " + quoted(requested)
	}
	return nil, &RequestError{Message: message}
}

func add(requested []string, c Change) ([]string, error) {
	var known []string
	for _, name := range distinct(c.Install) {
		switch {
		case !slices.Contains(requested, name):
			requested = append(requested, name)
		case !c.Idempotent:
			known = append(known, name)
		}
	}
	if len(known) > 0 {
		return nil, &RequestError{Message: fmt.Sprintf("package/capability %s is already requested", quoted(known))}
	}
	return requested, nil
}

// distinct sorts names and drops repetitions.
func distinct(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }

func quoted(names []string) string { return "'" + strings.Join(names, "', '") + "'" }
