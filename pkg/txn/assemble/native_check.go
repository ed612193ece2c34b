package assemble

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
)

// unfit says why a package is not a simple case, as far as that can be told
// without looking at its files; "" if it is one. It fills in what the plan needs
// of the control files.
//
// Simple is a package of which dpkg knows nothing yet, whose dependencies permit
// it to be unpacked now without touching another package, and whose control files
// say nothing that only dpkg understands.
func (u *unpacking) unfit(p *plan) string {
	switch {
	case u.filter.odd != "":
		return "dpkg's configuration has the option " + u.filter.odd
	case p.pkg.Architecture != "all" && p.pkg.Architecture != u.db.native && !slices.Contains(u.db.foreign, p.pkg.Architecture):
		return "its architecture is foreign"
	}
	for _, e := range u.db.entries {
		if e.Name == p.pkg.Name {
			return "dpkg knows the package already, as " + e.State
		}
	}
	if reason := u.opposed(p.pkg); reason != "" {
		return reason
	}
	return p.readControl()
}

// opposed says which relation keeps a package from being unpacked without
// further ado.
func (u *unpacking) opposed(p *apt.Package) string {
	for _, e := range u.db.entries {
		if e.Package == nil || e.State == "not-installed" || e.State == "config-files" {
			continue
		}
		if against(p, e.Package) || against(e.Package, p) {
			return "it is in conflict with " + e.Name
		}
	}
	if u.forced() {
		return ""
	}
	for _, group := range p.PreDepends {
		if !slices.ContainsFunc(group, u.configured) {
			return "its pre-dependency on " + group.String() + " is not configured"
		}
	}
	return ""
}

// against tells whether a package conflicts with or breaks another one.
func against(p, other *apt.Package) bool {
	return slices.ContainsFunc(slices.Concat(p.Conflicts, p.Breaks), func(g relation.Group) bool {
		return slices.ContainsFunc(g, func(r relation.Relation) bool {
			return r.Name == other.Name && r.Satisfied(other.Version) || r.Name != p.Name && provides(other, r)
		})
	})
}

// provides tells whether a package meets a relation by what it provides. What
// is provided without version meets no condition on one.
func provides(p *apt.Package, r relation.Relation) bool {
	return slices.ContainsFunc(p.Provides, func(q relation.Relation) bool {
		return q.Name == r.Name && (r.Op == relation.Any || q.Op != relation.Any && r.Satisfied(q.Version))
	})
}

// configured tells whether a relation is met by a package that is configured.
func (u *unpacking) configured(r relation.Relation) bool {
	return slices.ContainsFunc(u.db.entries, func(e dpkg.Entry) bool {
		return e.Installed() && e.Package != nil &&
			(e.Name == r.Name && r.Satisfied(e.Package.Version) || provides(e.Package, r))
	})
}

// readControl interprets the control files.
func (p *plan) readControl() string {
	control := p.cached.Control
	var err error
	if p.conffiles, err = control.Conffiles(); err != nil {
		return err.Error()
	}
	if p.triggers, err = control.Triggers(); err != nil {
		return err.Error()
	}
	for _, c := range p.conffiles {
		if c.Remove {
			return "it removes the conffile " + c.Path
		}
	}
	for _, t := range p.triggers {
		if !validTrigger(t) {
			return fmt.Sprintf("it names the trigger %q", t.Name)
		}
	}
	if p.entry, err = unpackedEntry(control, p.conffiles); err != nil {
		return err.Error()
	}
	_, p.preinst = control["preinst"]
	return ""
}

// validTrigger is stricter than dpkg, which accepts some names that lead nowhere.
func validTrigger(t deb.Trigger) bool {
	if !t.File() {
		return relation.CheckName(t.Name) == nil
	}
	return !strings.Contains(t.Name, "//") && !strings.HasSuffix(t.Name, "/")
}

// unpackedEntry is what dpkg writes into its status when it has unpacked the
// package.
func unpackedEntry(control deb.Control, conffiles []deb.Conffile) (dpkg.Entry, error) {
	paragraph, err := deb822.NewReader(bytes.NewReader(control.Paragraph()), deb822.Options{}).Next()
	if err != nil {
		return dpkg.Entry{}, err
	}
	var list []dpkg.Conffile
	for _, c := range conffiles {
		list = append(list, dpkg.Conffile{Path: c.Path, Hash: "newconffile"})
	}
	return dpkg.Unpacked(paragraph, list)
}
