package txn

import (
	"context"
	"errors"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
)

// UnsolvedError is a [*solve.UnsatisfiableError] with a way out: archives are often newer than a base, and
// then what is to be layered needs packages of the base in other versions.
type UnsolvedError struct {
	Err error
	// Replace are these packages, as [Change.OverrideReplace] names them.
	Replace []string
}

func (e *UnsolvedError) Error() string { return e.Err.Error() }
func (e *UnsolvedError) Unwrap() error { return e.Err }

// maxUnlock bounds how often a solution is looked for with more packages of the base free to change.
const maxUnlock = 8

// skew finds out whether a request that failed has a solution in which packages of the base change their
// versions, one after the other as they are in the way, and no further one goes. It returns the error.
func skew(ctx context.Context, src solve.Source, request solve.Request, failed error) error {
	unsatisfiable, ok := errors.AsType[*solve.UnsatisfiableError](failed)
	before := slices.Clone(request.Unlock)
	for range maxUnlock {
		if !ok || !unlock(&request, unsatisfiable) {
			return failed
		}
		solution, err := solve.Solve(ctx, src, request)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			unsatisfiable, ok = errors.AsType[*solve.UnsatisfiableError](err)
			continue
		}
		replace := versionsOf(solution.Upgrade, before)
		if len(replace) == 0 || !onlyRemoves(solution, request) {
			return failed
		}
		return &UnsolvedError{Err: failed, Replace: replace}
	}
	return failed
}

// unlock frees the packages that are in the way, and says whether there are any.
func unlock(request *solve.Request, failed *solve.UnsatisfiableError) bool {
	found := false
	request.Unlock = slices.Clone(request.Unlock)
	for _, r := range failed.Because {
		if r.Kind == solve.Locked && !slices.Contains(request.Unlock, r.Other.Key().String()) {
			request.Unlock = append(request.Unlock, r.Other.Key().String())
			found = true
		}
	}
	return found
}

// versionsOf names the new versions of packages that were not free to change before.
func versionsOf(changes []solve.Change, free []string) []string {
	var list []string
	for _, c := range changes {
		if !slices.Contains(free, c.From.Key().String()) && !slices.Contains(free, c.From.Name) {
			list = append(list, c.To.Name+"="+c.To.Version.String())
		}
	}
	return list
}

// onlyRemoves says whether a solution is without nothing but what was to go.
func onlyRemoves(solution *solve.Solution, request solve.Request) bool {
	return !slices.ContainsFunc(solution.Remove, func(p *apt.Package) bool {
		return !slices.Contains(request.Remove, p.Name) && !slices.Contains(request.Remove, p.Key().String())
	})
}
