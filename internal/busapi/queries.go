package busapi

import (
	"context"
	"errors"
	"slices"

	"github.com/godbus/dbus/v5"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// maxAnswers bounds the packages of one answer.
const maxAnswers = 2000

// universe gives what the archives offer, as it was last fetched: queries use no network.
func (s *Server) universe(c *call) (_ *apt.Universe, closer func() error, err error) {
	system, err := s.open(c.ctx, s.stateroot(c.names, c.path))
	if err != nil {
		return nil, nil, err
	}
	u, err := system.Universe(c.ctx, true)
	if err != nil {
		return nil, nil, errors.Join(err, system.Close())
	}
	return u, system.Close, nil
}

// packageDict describes a package as rpm-ostree does. The revision belongs to the version here, as it does in evr.
func packageDict(key string, p *apt.Package) dict {
	archive := ""
	if p.Origin != nil {
		archive = p.Origin.Suite
	}
	d := dict{
		"name": dbus.MakeVariant(p.Name), "epoch": dbus.MakeVariant(uint64(p.Version.Epoch())), "version": dbus.MakeVariant(p.Version.WithoutEpoch()), //nolint:gosec // not negative
		"arch": dbus.MakeVariant(p.Architecture), "evr": dbus.MakeVariant(p.Version.String()), "summary": dbus.MakeVariant(p.Summary),
		"nevra": dbus.MakeVariant(p.Name + "_" + p.Version.String() + "_" + p.Architecture), "reponame": dbus.MakeVariant(archive),
	}
	if key != "" {
		d["key"] = dbus.MakeVariant(key)
	}
	return d
}

// answer asks the universe and closes it.
func (s *Server) answer(c *call, ask func(*apt.Universe) ([]dict, error)) ([]any, error) {
	u, closer, err := s.universe(c)
	if err != nil {
		return nil, err
	}
	out, err := ask(u)
	if err == nil {
		err = u.Err()
	}
	return []any{out[:min(len(out), maxAnswers)]}, errors.Join(err, closer())
}

func (s *Server) whatProvides(c *call) ([]any, error) {
	return s.answer(c, func(u *apt.Universe) ([]dict, error) {
		out := []dict{}
		for _, name := range arg[[]string](c, 0)[:min(len(arg[[]string](c, 0)), maxAnswers)] {
			for _, p := range newest(slices.Concat(u.Versions(name), u.Providers(name))) {
				out = append(out, packageDict("", p))
			}
		}
		return out, nil
	})
}

func (s *Server) getPackages(c *call) ([]any, error) {
	return s.answer(c, func(u *apt.Universe) ([]dict, error) {
		out := []dict{}
		for _, name := range arg[[]string](c, 0)[:min(len(arg[[]string](c, 0)), maxAnswers)] {
			for _, p := range newest(u.Versions(name)) {
				out = append(out, packageDict(name, p))
			}
		}
		return out, nil
	})
}

// newest keeps the newest version of each name and architecture.
func newest(list []*apt.Package) []*apt.Package {
	var out []*apt.Package
	for _, p := range list {
		i := slices.IndexFunc(out, func(q *apt.Package) bool { return q.Name == p.Name && q.Architecture == p.Architecture })
		if i < 0 {
			out = append(out, p)
		} else if p.Version.Compare(out[i].Version) > 0 {
			out[i] = p
		}
	}
	return out
}

func (s *Server) search(c *call) ([]any, error) {
	terms := arg[[]string](c, 0)
	if len(terms) == 0 || len(terms) > 100 {
		return nil, &ArgumentError{"terms", "between 1 and 100 are needed"}
	}
	return s.answer(c, func(u *apt.Universe) ([]dict, error) {
		out := []dict{}
		for _, m := range u.Search(terms...) {
			out = append(out, packageDict(matchGroup(m), m.Package))
		}
		return out, nil
	})
}

// matchGroup names where the terms were found as rpm-ostree does.
func matchGroup(m apt.Match) string {
	switch {
	case m.Name && m.Summary:
		return "match_group_a"
	case m.Name:
		return "match_group_b"
	}
	return "match_group_c"
}

// diffEntry is one of a(sua{sv}).
type diffEntry struct {
	Name     string
	Kind     uint32
	Packages dict
}

// The kinds of differences.
const (
	kindAdded uint32 = iota
	kindRemoved
	kindUpgraded
	kindDowngraded
)

func diffEntries(d dpkg.Changes) []diffEntry {
	out := []diffEntry{}
	for _, p := range d.Added {
		out = append(out, diffEntry{p.Name, kindAdded, dict{"NewPackage": nevra(p)}})
	}
	for _, p := range d.Removed {
		out = append(out, diffEntry{p.Name, kindRemoved, dict{"PreviousPackage": nevra(p)}})
	}
	for _, c := range d.Upgraded {
		out = append(out, diffEntry{c.To.Name, kindUpgraded, dict{"PreviousPackage": nevra(c.From), "NewPackage": nevra(c.To)}})
	}
	for _, c := range d.Downgraded {
		out = append(out, diffEntry{c.To.Name, kindDowngraded, dict{"PreviousPackage": nevra(c.From), "NewPackage": nevra(c.To)}})
	}
	return out
}

func nevra(p *apt.Package) dbus.Variant {
	return dbus.MakeVariant(struct{ Name, Evr, Arch string }{p.Name, p.Version.String(), p.Architecture})
}

func (s *Server) getDeploymentsDiff(c *call) ([]any, error) {
	if err := s.authorize(c, actRefresh); err != nil {
		return nil, err
	}
	system, err := s.open(c.ctx, s.stateroot(c.names, c.path))
	if err != nil {
		return nil, err
	}
	defer system.Close()
	var lists [2][]*apt.Package
	for i := range lists {
		d, err := s.deployment(s.stateroot(c.names, c.path), arg[string](c, i))
		if err != nil {
			return nil, err
		}
		if lists[i], err = packagesOf(c.ctx, system, d.Checksum); err != nil {
			return nil, err
		}
	}
	return []any{diffEntries(dpkg.Diff(lists[0], lists[1]))}, nil
}

func packagesOf(ctx context.Context, system *txn.System, checksum string) ([]*apt.Package, error) {
	sum, err := ostree.ParseChecksum(checksum)
	if err != nil {
		return nil, err
	}
	return system.Packages(ctx, sum)
}
