package txn

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// Replacement is a package of the base and what is in its place.
type Replacement struct {
	From PackageRef `json:"from"`
	To   PackageRef `json:"to"`
}

// localPackages finds the local packages that are requested. What the base has in another version can
// only be replaced, which is another request.
func (s *System) localPackages(ctx context.Context, p *Plan) ([]*apt.Package, error) {
	var list []*apt.Package
	for _, id := range p.RequestedLocal {
		pkg, err := s.loadLocal(ctx, id, false)
		if err != nil {
			return nil, err
		}
		for _, have := range inBase(p.base, pkg.Key().String()) {
			if have.Version != pkg.Version && slices.Contains(p.Change.InstallLocal, id) {
				return nil, &RequestError{Message: fmt.Sprintf("%s cannot be layered: the base has %s", full(pkg), full(have)), Replace: true}
			}
		}
		list = append(list, pkg)
	}
	return list, nil
}

// replacements finds what is to take the place of packages of the base. Where the base has no such
// package, or has that version already, it is noted as inactive.
func (s *System) replacements(ctx context.Context, p *Plan, w *wants) error {
	for _, id := range p.origin.OverrideReplaceLocal {
		pkg, err := s.loadLocal(ctx, id, true)
		if err != nil {
			return err
		}
		if !replaces(p.base, pkg) && !p.replacesKernel(pkg) {
			p.InactiveReplacements = append(p.InactiveReplacements, full(pkg))
			continue
		}
		w.replace = append(w.replace, pkg)
	}
	all := tracked(p.origin)
	for _, suite := range slices.Sorted(maps.Keys(all)) {
		for _, word := range all[suite] {
			if len(inBase(p.base, word)) == 0 {
				p.InactiveReplacements = append(p.InactiveReplacements, word+"/"+suite)
				continue
			}
			w.tracked = append(w.tracked, trackedPackage{word, suite})
		}
	}
	return nil
}

// replaces says whether the base has another version of a package.
func replaces(base []*apt.Package, pkg *apt.Package) bool {
	for _, have := range base {
		native := have.Architecture == "all" || pkg.Architecture == "all"
		if have.Name == pkg.Name && (native || have.Architecture == pkg.Architecture) && have.Version != pkg.Version {
			return true
		}
	}
	return false
}

// replacesKernel says whether a package is a kernel and the base has another, whose name differs because
// that has the version in it.
func (p *Plan) replacesKernel(pkg *apt.Package) bool {
	return isKernel(pkg) && slices.ContainsFunc(p.base, isKernel) && len(inBase(p.base, pkg.Key().String())) == 0
}

// freeze chooses the versions that are to stay, which the origin then has as it has local packages.
func (s *System) freeze(p *Plan, w *wants) error {
	for _, text := range distinct(p.Change.OverrideReplace) {
		if strings.Contains(text, "/") && !p.Change.Freeze {
			continue
		}
		pkg, err := p.choose(text)
		if err != nil {
			return err
		}
		if err := replaceLocal(p.origin, localID(pkg)); err != nil {
			return err
		}
		if !replaces(p.base, pkg) && !p.replacesKernel(pkg) {
			return &RequestError{Message: fmt.Sprintf("%s: the base has no other version of it", full(pkg))}
		}
		w.replace = append(w.replace, pkg)
		w.request.Local = append(w.request.Local, pkg)
		w.request.Unlock = append(w.request.Unlock, pkg.Key().String())
	}
	return nil
}

// choose finds the version that NAME[:ARCH][=VERSION|/SUITE] means: of those that fit the one of the
// highest priority, and of equal ones the newest. Only the architectures that the base has it for count.
func (p *Plan) choose(text string) (*apt.Package, error) {
	word, suite, _ := strings.Cut(text, "/")
	word, exact, _ := strings.Cut(word, "=")
	name, _, _ := strings.Cut(word, ":")
	have := inBase(p.base, word)
	if len(have) == 0 {
		return nil, &RequestError{Message: fmt.Sprintf("package %s is not in the base", quoted([]string{word}))}
	}
	var best *apt.Package
	for _, pkg := range p.archive.universe.Versions(name) {
		fits := exact == "" || exact == pkg.Version.String()
		fits = fits && (suite == "" || inSuite(pkg, suite))
		fits = fits && (pkg.Architecture == have[0].Architecture || pkg.Architecture == "all" || have[0].Architecture == "all")
		if fits && (best == nil || p.better(pkg, best)) {
			best = pkg
		}
	}
	switch {
	case best != nil && best.SHA256 == "":
		return nil, &RequestError{Message: full(best) + ": its archive does not publish a SHA-256, by which it would be kept"}
	case best != nil:
		return best, nil
	}
	return nil, &solve.NotFoundError{Missing: []solve.Missing{{Request: text, Problem: "no source has it"}}}
}

func (p *Plan) better(a, b *apt.Package) bool {
	return cmp.Or(cmp.Compare(p.archive.policy.Priority(a, false), p.archive.policy.Priority(b, false)), version.Compare(a.Version, b.Version)) > 0
}

// inSuite says whether a suite, by either of its names, offers a version.
func inSuite(pkg *apt.Package, suite string) bool {
	for _, o := range append([]*apt.Origin{pkg.Origin}, pkg.AlsoFrom...) {
		if o != nil && (o.Suite == suite || o.Codename == suite) {
			return true
		}
	}
	return false
}
