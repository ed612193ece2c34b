package txn

import (
	"errors"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
)

// adviseUnsatisfiable drops the requests that no longer fit, if they are not what the change is
// about, and leaves out what needs a package that is to be left out.
func adviseUnsatisfiable(err error, c Change) []Remedy {
	unsatisfiable, ok := errors.AsType[*solve.UnsatisfiableError](err)
	if !ok {
		return nil
	}
	var out []Remedy
	if retry, ok := withVersions(err, c); ok {
		out = append(out, Remedy{Text: "take packages of the base in other versions, which do not change until override reset", Change: &retry})
	}
	if retry, ok := withoutRequests(unsatisfiable, c); ok {
		out = append(out, Remedy{Text: "drop the layered packages that do not fit", Change: &retry})
	}
	if retry, ok := withoutDependents(unsatisfiable, c); ok {
		out = append(out, Remedy{Text: "leave out what depends on it too", Change: &retry})
	}
	return out
}

// withVersions replaces the packages of the base that are in the way. A change that takes another base is
// left alone: the next base may fit.
func withVersions(err error, c Change) (Change, bool) {
	unsolved, ok := errors.AsType[*UnsolvedError](err)
	if !ok || len(c.choosesBase()) > 0 || c.CacheOnly {
		return c, false
	}
	c.OverrideReplace = append(slices.Clone(c.OverrideReplace), unsolved.Replace...)
	return c, true
}

func withoutRequests(err *solve.UnsatisfiableError, c Change) (Change, bool) {
	before := len(c.Uninstall)
	c.Uninstall = slices.Clone(c.Uninstall)
	for _, r := range err.Because {
		local := slices.ContainsFunc(c.InstallLocal, func(id string) bool { return namesLocal(r.Request, id) })
		if r.Kind == solve.Requested && !local && !slices.Contains(c.Install, r.Request) && !slices.Contains(c.Uninstall, r.Request) {
			c.Uninstall = append(c.Uninstall, r.Request)
		}
	}
	return c, len(c.Uninstall) > before
}

// withoutDependents adds the packages of the base that the explanation starts from.
func withoutDependents(err *solve.UnsatisfiableError, c Change) (Change, bool) {
	if len(c.OverrideRemove) == 0 {
		return c, false
	}
	before := len(c.OverrideRemove)
	c.OverrideRemove = slices.Clone(c.OverrideRemove)
	for _, r := range err.Because {
		if r.Kind == solve.Locked && !slices.Contains(c.OverrideRemove, r.Other.Name) {
			c.OverrideRemove = append(c.OverrideRemove, r.Other.Name)
		}
	}
	return c, len(c.OverrideRemove) > before
}

// adviseLocal drops a local package that nobody has any more.
func adviseLocal(err *LocalError, c Change) []Remedy {
	if err.Replaces {
		c.OverrideReset = append(slices.Clone(c.OverrideReset), err.Package)
	} else {
		c.Uninstall = append(slices.Clone(c.Uninstall), err.Package)
	}
	return []Remedy{{Text: "do without it", Change: &c}}
}

// adviseKernel takes a layered kernel instead of the base's.
func adviseKernel(err error, c Change) []Remedy {
	kernel, _ := errors.AsType[*KernelError](err)
	c.OverrideRemove = append(slices.Clone(c.OverrideRemove), kernel.Remove...)
	return []Remedy{{Text: "leave the base's kernel out for it", Change: &c}}
}

// adviseNotFound asks for what looks most like the names that do not exist.
func adviseNotFound(err error, c Change) []Remedy {
	missing, ok := errors.AsType[*solve.NotFoundError](err)
	if !ok {
		return nil
	}
	c.Install = slices.Clone(c.Install)
	for _, m := range missing.Missing {
		i := slices.Index(c.Install, m.Request)
		if i < 0 || len(m.Near) == 0 || slices.Contains(c.Install, m.Near[0]) {
			return nil
		}
		c.Install[i] = m.Near[0]
	}
	return []Remedy{{Text: "ask for what has a similar name", Change: &c}}
}

// adviseLive has the command again, as it would be accepted.
func adviseLive(err error) []Remedy {
	refused, _ := errors.AsType[*LiveError](err)
	switch {
	case refused.AllowReplacement:
		return []Remedy{{Text: "replace packages in the running system on purpose", Live: &LiveChange{AllowReplacement: true}}}
	case refused.Resume:
		return []Remedy{{Text: "undo what was interrupted", Live: &LiveChange{Reset: true}}}
	}
	return nil
}
