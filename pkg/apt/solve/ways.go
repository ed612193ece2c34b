package solve

import (
	"context"
	"errors"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
)

// WayKind says what a [Way] gives up.
type WayKind string

// The kinds of ways out.
const (
	// DropInstall: do not ask for Request.
	DropInstall WayKind = "drop-install"
	// DropRemove: do not ask to be without Request.
	DropRemove WayKind = "drop-remove"
	// Unlock: let Package change, which is installed and locked.
	Unlock WayKind = "unlock"
	// Unhold: do not hold Package.
	Unhold WayKind = "unhold"
	// AllowRemove: let installed packages go.
	AllowRemove WayKind = "allow-remove"
	// Include: do not exclude Package.
	Include WayKind = "include"
	// TakeVersion: ask for Package in that version, which is not the candidate.
	TakeVersion WayKind = "take-version"
)

// Way is a change to a request that makes it possible.
type Way struct {
	Kind    WayKind
	Request string
	Package *apt.Package
	// Solution is what the changed request leads to.
	Solution *Solution

	request Request
}

// Apply returns the changed request.
func (w Way) Apply() Request { return w.request }

// String says it in a line of text.
func (w Way) String() string {
	switch w.Kind {
	case DropInstall:
		return "do not install " + w.Request
	case DropRemove:
		return "do not remove " + w.Request
	case Unlock:
		return "let " + w.Package.Name + " change"
	case Unhold:
		return "do not hold " + w.Package.Name
	case AllowRemove:
		return "allow to remove installed packages"
	case Include:
		return "do not exclude " + w.Package.Name
	case TakeVersion:
		return "ask for " + w.Package.Name + "=" + w.Package.Version.String()
	}
	return string(w.Kind)
}

// maxWays bounds how many changes are tried.
const maxWays = 32

// Ways finds the ways out of a request that failed: each single thing that the explanation names and
// that the caller can give up, if the request has a solution without it. They are in the order of the
// explanation.
func Ways(ctx context.Context, src Source, req Request, failed *UnsatisfiableError) ([]Way, error) {
	var ways []Way
	var tried []string
	for _, r := range failed.Because {
		w := wayOf(req, r)
		if w == nil || slices.Contains(tried, w.String()) || len(tried) == maxWays {
			continue
		}
		tried = append(tried, w.String())
		s, err := Solve(ctx, src, w.request)
		var still *UnsatisfiableError
		var missing *NotFoundError
		switch {
		case err == nil:
			w.Solution = s
			ways = append(ways, *w)
		case !errors.As(err, &still) && !errors.As(err, &missing):
			return nil, err
		}
	}
	return ways, nil
}

// wayOf returns the request without what a reason states, nil if there is nothing to give up.
func wayOf(req Request, r Reason) *Way {
	w := &Way{Request: r.Request, Package: r.Other, request: req}
	c := &w.request
	without := func(list []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(text string) bool { return text == r.Request })
	}
	named := func(list []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(text string) bool {
			e, err := parseExpression(text)
			return err == nil && e.name == r.Other.Name
		})
	}
	switch r.Kind {
	case Requested:
		if !slices.Contains(req.Install, r.Request) {
			return nil // a local package
		}
		w.Kind, c.Install = DropInstall, without(req.Install)
	case Removed:
		w.Kind, c.Remove = DropRemove, without(req.Remove)
	case Locked:
		w.Kind, c.Unlock = Unlock, append(slices.Clip(req.Unlock), r.Other.Key().String())
	case Held:
		w.Kind, c.Hold = Unhold, named(req.Hold)
	case Kept:
		w.Kind, c.NoRemove = AllowRemove, false
	case Excluded:
		w.Kind, c.Exclude = Include, named(req.Exclude)
		if len(c.Exclude) == len(req.Exclude) {
			return nil // it is excluded as a new package
		}
	case NotCandidate, Pinned:
		w.Kind, c.Install = TakeVersion, append(slices.Clip(req.Install), r.Other.String())
	case Essential, Depends, PreDepends, Recommends, Conflicts, Breaks, Version, MultiArch, Tried, NoPackage, WrongVersion, Omitted:
		return nil
	}
	return w
}

// WhyNot says why a package, named as in Request.Install, is not part of what a request leads to. The
// solution is that of the request with the package, if there is one: then nothing prevents it, and
// nothing asks for it. Otherwise the reasons lead from the requests to what prevents it. A name that does not exist is a [*NotFoundError].
func WhyNot(ctx context.Context, src Source, req Request, name string) (*Solution, []Reason, error) {
	req.Install = append(slices.Clip(req.Install), name)
	s, err := Solve(ctx, src, req)
	if failed, ok := errors.AsType[*UnsatisfiableError](err); ok {
		return nil, failed.Because, nil
	}
	return s, nil, err
}
