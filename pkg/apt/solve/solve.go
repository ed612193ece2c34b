package solve

import (
	"context"
	"fmt"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
)

// Source is where packages come from; [*apt.Universe] is one. If it also has the methods
//
//	Essential() []*apt.Package
//	Nearest(name string, n int) []string
//	Err() error
//
// the first is used for [Request.Essential], the second to suggest names, and the third after a search
// to find out whether packages were left out because they could not be read.
type Source interface {
	// Versions returns the packages of that name, of all architectures, the newest first and of
	// equal versions the preferred source first.
	Versions(name string) []*apt.Package
	// Providers returns the packages that have name in their Provides, in a fixed order.
	Providers(name string) []*apt.Package
}

// Policy says which version of a package is to be preferred, as apt_preferences(5) does;
// [*preferences.Policy] is one.
type Policy interface {
	// Priority returns the priority of a version, which may be installed.
	Priority(p *apt.Package, installed bool) int
	// Phased reports whether an update is not for this machine yet.
	Phased(p *apt.Package) bool
}

// Request describes a problem. The order of its lists does not matter.
type Request struct {
	// Architecture is the native one, as dpkg --print-architecture says. It is required.
	Architecture string
	// ForeignArchitectures are the others that may be installed, the preferred one first: the one
	// list whose order counts.
	ForeignArchitectures []string

	// Installed are the packages of the system. Without Lock they may be upgraded, or removed if
	// that is the only way; their dependencies are taken from here, not from the source.
	Installed []*apt.Package
	// Lock makes the installed packages facts: none may change or go, except those in Remove.
	Lock bool
	// Unlock lists installed packages that may change in spite of Lock, name[:architecture].
	Unlock []string

	// NoRemove keeps all installed packages in some version, except those in Remove: what
	// `apt-get upgrade --with-new-pkgs` does.
	NoRemove bool
	// NoNew installs nothing new except what Install and Local name.
	NoNew bool
	// Hold lists installed packages that may neither change nor go, name[:architecture], as those that
	// dpkg's selections hold.
	Hold []string
	// Policy chooses the candidates; nil stands for no pins and no phased updates.
	Policy Policy

	// Install lists packages to have afterwards: name[:architecture][=version|/suite]. A name that
	// only others provide stands for its best provider.
	Install []string
	// Remove lists installed packages to be without, name[:architecture].
	Remove []string
	// Local are packages from files. They are requested, and win over those of the source.
	Local []*apt.Package
	// UpgradeAll takes the candidate of every installed package, where that is possible. It has no
	// effect with Lock.
	UpgradeAll bool
	// Essential requests all Essential packages of the native architecture.
	Essential bool
	// Exclude lists packages never to install, name[:architecture].
	Exclude []string
	// Recommends also installs what new packages recommend, where that is possible. Recommendations
	// of packages that are installed already are followed only if they were before.
	Recommends bool
	// RemoveEssential allows Remove to list Essential and Protected packages.
	RemoveEssential bool
}

// Change is a package that changes its version, upwards or downwards.
type Change struct{ From, To *apt.Package }

// Solution says what to do. All lists are sorted by name and architecture.
type Solution struct {
	// Install are the new packages.
	Install []*apt.Package
	// Upgrade are the packages that change their version.
	Upgrade []Change
	// Remove are the packages that go.
	Remove []*apt.Package
	// Resulting is everything that is installed afterwards.
	Resulting []*apt.Package
	// Requested says which package fulfils each entry of Install.
	Requested map[string]*apt.Package
	// Satisfied is the part of Requested that was installed before and does not change.
	Satisfied map[string]*apt.Package
	// Older are chosen packages of which the archive has a newer candidate that does not fit.
	Older []*apt.Package

	why map[*apt.Package][]Reason
}

// Why returns the shortest way from a request to a package of Resulting. It is empty for other
// packages.
func (s *Solution) Why(p *apt.Package) []Reason { return s.why[p] }

// Solve finds the solution of a request. It returns a [*NotFoundError], an [*UnsatisfiableError], or
// the error of the context.
func Solve(ctx context.Context, src Source, req Request) (*Solution, error) {
	if req.Architecture == "" {
		return nil, fmt.Errorf("solve: no native architecture")
	}
	req = sorted(req)
	p := newPool(src, req)
	s := newSearch(p)
	err := s.addRequest()
	if err == nil {
		err = s.run(ctx)
	}
	// Without packages that could not be read neither a solution nor an explanation is true.
	if failing, ok := src.(interface{ Err() error }); ok && failing.Err() != nil {
		return nil, failing.Err()
	}
	if err != nil {
		return nil, err
	}
	solution := s.solution()
	if err := Check(solution.Resulting, req); err != nil {
		return nil, fmt.Errorf("solve: internal error, the solution is not valid: %w", err)
	}
	return solution, nil
}

// sorted returns a request whose lists are in the one order that is used, without repetitions.
func sorted(req Request) Request {
	for _, list := range []*[]string{&req.Install, &req.Remove, &req.Exclude, &req.Hold, &req.Unlock} {
		*list = slices.Compact(slices.Sorted(slices.Values(*list)))
	}
	req.UpgradeAll = req.UpgradeAll && !req.Lock
	req.Installed = sortedPackages(req.Installed)
	req.Local = sortedPackages(req.Local)
	return req
}

// sortedPackages returns the packages by name, architecture and version.
func sortedPackages(list []*apt.Package) []*apt.Package {
	return slices.SortedStableFunc(slices.Values(list), comparePackages)
}
