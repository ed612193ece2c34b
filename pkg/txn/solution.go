package txn

import (
	"context"
	"fmt"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
	"github.com/apt-ostree/apt-ostree/pkg/apt/preferences"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/txn/debstore"
)

// planPackages resolves the requests on top of the base, whose packages are facts but for those that
// overrides name.
func (s *System) planPackages(ctx context.Context, p *Plan) error {
	if !p.origin.Layered() && len(p.Change.OverrideReplace) == 0 {
		return nil
	}
	w, err := s.wants(ctx, p)
	if err != nil || w.nothing() && len(p.Change.OverrideReplace) == 0 {
		return err
	}
	if err := s.solve(ctx, p, w); err != nil {
		return err
	}
	if err := p.inactive(w); err != nil {
		return err
	}
	p.describe()
	p.DownloadSize, err = s.downloadSize(ctx, p)
	return err
}

// wants are what the solver is to do to the base.
type wants struct {
	local   []*apt.Package // asked for as files
	replace []*apt.Package // local ones and frozen ones that take the place of others
	tracked []trackedPackage
	remove  []string
	request solve.Request
}

// trackedPackage is a package of the base, NAME[:ARCH], that is to be a suite's.
type trackedPackage struct{ word, suite string }

func (t trackedPackage) request() string { return t.word + "/" + t.suite }

// nothing says that the base stays as it is.
func (w *wants) nothing() bool {
	return len(w.request.Install)+len(w.local)+len(w.replace)+len(w.tracked)+len(w.remove) == 0
}

// wants finds the packages that the origin names, and leaves out what has no effect on the base.
func (s *System) wants(ctx context.Context, p *Plan) (*wants, error) {
	var err error
	if p.base, err = s.Packages(ctx, p.Base); err != nil {
		return nil, err
	}
	w := &wants{}
	if w.remove, err = p.removals(); err != nil {
		return nil, err
	}
	if w.local, err = s.localPackages(ctx, p); err != nil {
		return nil, err
	}
	if err := s.replacements(ctx, p, w); err != nil {
		return nil, err
	}
	foreign, err := s.foreignArchitectures(ctx, p.Base)
	if err != nil {
		return nil, err
	}
	w.request = solve.Request{
		Architecture:         s.opts.Architecture,
		ForeignArchitectures: foreign,
		Installed:            p.base,
		Lock:                 true,
		Install:              p.Requested,
		Local:                slices.Concat(w.local, w.replace),
		Remove:               w.remove,
		RemoveEssential:      true, // checked when the removal was asked for
	}
	for _, pkg := range w.replace {
		w.request.Unlock = append(w.request.Unlock, pkg.Key().String())
	}
	for _, t := range w.tracked {
		w.request.Unlock = append(w.request.Unlock, t.word)
		w.request.Install = append(slices.Clip(w.request.Install), t.request())
	}
	return w, nil
}

// solve chooses from what the deployment has, if that is enough: then neither an archive nor the cache is
// needed, and no package changes that nobody asked to change.
func (s *System) solve(ctx context.Context, p *Plan, w *wants) error {
	root, err := s.configured(ctx, p.boot[0])
	if err != nil {
		return err
	}
	config, err := conf.Load(root)
	if err != nil {
		return err
	}
	w.request.Recommends = config.Bool("APT::Install-Recommends", true)
	if !p.Change.asksArchive() {
		p.solution, err = s.solveFromKept(ctx, p, w)
		if p.solution != nil || err != nil && !isUnsolved(err) {
			return err
		}
	}
	unsolved := err
	if p.archive, err = s.openArchive(ctx, p.boot[0], p.Change.access()); err != nil {
		if unsolved != nil && p.Change.access() == reluctant {
			return unsolved // it explains more than that an archive is gone
		}
		return err
	}
	if err := s.freeze(p, w); err != nil {
		return err
	}
	w.request.Policy = p.archive.policy
	p.solution, err = p.solveWith(ctx, p.archive.universe, w.request)
	return err
}

// isUnsolved says that a request has no solution.
func isUnsolved(err error) bool {
	return as[*solve.UnsatisfiableError](err) || as[*solve.NotFoundError](err)
}

// solveFromKept solves from the packages that the present deployment is layered of; without a solution
// and error if they are not known.
func (s *System) solveFromKept(ctx context.Context, p *Plan, w *wants) (*solve.Solution, error) {
	kept, err := s.keptPackages(ctx, p.From)
	if err != nil || kept == nil {
		return nil, err
	}
	request := w.request
	request.Install = slices.Clone(p.Requested)
	request.Local = slices.Clone(request.Local)
	for _, t := range w.tracked {
		found := inBase(kept, t.word)
		if len(found) == 0 {
			return nil, nil //nolint:nilnil // as documented
		}
		request.Local = append(request.Local, found...)
	}
	return p.solveWith(ctx, apt.NewUniverse(kept), request)
}

// inactive notes the requests that the base meets, and refuses new ones unless they are allowed.
func (p *Plan) inactive(w *wants) error {
	p.Inactive = map[string]string{}
	for _, request := range p.Requested {
		by := p.solution.Requested[request]
		if by == nil || len(inBase(p.base, by.Key().String())) == 0 {
			continue
		}
		if slices.Contains(p.Change.Install, request) && !p.Change.AllowInactive {
			return alreadyProvided(request, by)
		}
		p.Inactive[request] = full(by)
	}
	for _, pkg := range w.local {
		by := p.solution.Satisfied[pkg.String()]
		if by == nil {
			continue
		}
		id := localID(pkg)
		if slices.Contains(p.Change.InstallLocal, id) && !p.Change.AllowInactive {
			return alreadyProvided(full(pkg), by)
		}
		p.Inactive[full(pkg)] = full(by)
	}
	return nil
}

func alreadyProvided(request string, by *apt.Package) error {
	return &RequestError{
		Message:       fmt.Sprintf("%q is already provided by: %s. Use --allow-inactive to explicitly require it.", request, full(by)),
		AllowInactive: true,
	}
}

// describe fills in what the solution comes to.
func (p *Plan) describe() {
	for _, pkg := range p.solution.Install {
		p.Packages = append(p.Packages, NewPackageRef(pkg))
		p.InstalledSize += pkg.InstalledSize
	}
	for _, pkg := range p.solution.Remove {
		p.Removed = append(p.Removed, NewPackageRef(pkg))
	}
	for _, c := range p.solution.Upgrade {
		p.Replaced = append(p.Replaced, Replacement{From: NewPackageRef(c.From), To: NewPackageRef(c.To)})
	}
}

// arriving are the packages whose .deb is needed: new ones, and those that take the place of others.
func (p *Plan) arriving() []*apt.Package {
	if p.solution == nil {
		return nil
	}
	list := slices.Clone(p.solution.Install)
	for _, c := range p.solution.Upgrade {
		list = append(list, c.To)
	}
	return list
}

// overwriting are the packages that may replace files of others.
func (p *Plan) overwriting() []*apt.Package {
	return slices.DeleteFunc(p.arriving(), func(pkg *apt.Package) bool {
		return pkg.SHA256 == "" || !slices.Contains(p.origin.RequestedLocalOverride, localID(pkg))
	})
}

// missing are the packages that have to be downloaded.
func (s *System) missing(ctx context.Context, p *Plan) ([]*apt.Package, error) {
	var list []*apt.Package
	store := debstore.New(s.Repo())
	for _, pkg := range p.arriving() {
		if _, offered := s.offers[pkg.SHA256]; offered {
			continue
		}
		has, err := store.Has(ctx, pkg.SHA256)
		if err != nil {
			return nil, err
		}
		if !has {
			list = append(list, pkg)
		}
	}
	return list, nil
}

func (s *System) downloadSize(ctx context.Context, p *Plan) (int64, error) {
	missing, err := s.missing(ctx, p)
	if err != nil || len(missing) == 0 {
		return 0, err
	}
	return p.archive.packages.DownloadSize(missing)
}

// loadPolicy reads the pins of a root. Phased updates do not count: all packages are new on the base.
func loadPolicy(root string, config *conf.Config, architecture string) (*preferences.Policy, error) {
	pins, err := preferences.Load(root)
	if err != nil {
		return nil, err
	}
	return preferences.NewPolicy(pins, preferences.Options{Architecture: architecture, DefaultRelease: config.Get("APT::Default-Release")})
}
