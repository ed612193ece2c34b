package layout

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Unfold turns the tree of a commit that [Fold] made back into a plain one, in which dpkg can add
// and remove packages: /etc, /var with the package managers' state, /root, /opt and the others are
// directories again, and the files that Fold generated are gone.
func Unfold(ctx context.Context, s Store, t *ostree.Tree) error {
	f := &files{store: s, tree: t}
	for _, p := range f.unfolds() {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("unfold: %w", err)
		}
		if err := p.do(ctx); err != nil {
			return fmt.Errorf("unfold: %s: %w", p.name, err)
		}
	}
	return nil
}

// unfolds lists the steps: everything moves back, then what Fold added goes.
func (f *files) unfolds() []pass {
	return []pass{
		{"etc", f.unfoldEtc},
		{"var", f.unfoldVar},
		{"top level", f.unfoldTop},
		{"state", func(context.Context) error { return f.unfoldState() }},
		{"generated files", f.removeGenerated},
		{"homes", f.unfoldHomes},
		{"device trees", func(context.Context) error { return f.unfoldDeviceTrees() }},
	}
}

func (f *files) unfoldEtc(context.Context) error {
	folded, err := f.isDir("usr/etc")
	if err != nil {
		return err
	}
	plain, err := f.children("etc")
	if err != nil {
		return err
	}
	switch {
	case !folded:
		return fmt.Errorf("no /usr/etc: not the tree of a commit")
	case len(plain) > 0:
		return fmt.Errorf("both /etc and /usr/etc have content (/etc/%s): not the tree of a commit", plain[0].Name)
	}
	if err := f.removeIfThere("etc"); err != nil {
		return err
	}
	return f.tree.Move("usr/etc", "etc")
}

// generated lists the patterns of everything that Fold writes and that is not plain Debian's.
func generated() []string {
	list := []string{
		sysusersFile,
		aptGuardFile,
		apparmorFile,
		path.Join(tmpfilesDir, tmpfilesState),
		path.Join(tmpfilesDir, tmpfilesPrefix+"*.conf"),
	}
	for _, unit := range aptTimers() {
		list = append(list, path.Join(units, unit+".d", dropIn))
	}
	for _, u := range firstBootUnits() {
		list = append(list, path.Join(units, u.name), path.Join(firstBootWant, u.name))
	}
	return list
}

func (f *files) removeGenerated(ctx context.Context) error {
	own, err := f.loadOwners(ctx)
	if err != nil {
		return err
	}
	var found []string
	for _, pattern := range generated() {
		names, err := f.glob(pattern)
		if err != nil {
			return err
		}
		found = append(found, names...)
	}
	links, err := f.tmpLinks(ctx)
	if err != nil {
		return err
	}
	for _, name := range append(found, links...) {
		if err := f.removeIfThere(name); err != nil {
			return err
		}
		if err := f.removeDropIns(own, path.Dir(name)); err != nil {
			return err
		}
	}
	return nil
}

// removeDropIns removes a unit's directory of drop-ins or wants that has none left, unless a
// package ships it empty.
func (f *files) removeDropIns(own owners, dir string) error {
	list, err := f.children(dir)
	if err != nil || len(list) > 0 || own[dir] != "" || !strings.HasPrefix(dir, units+"/") {
		return err
	}
	e, ok, err := f.entry(dir)
	if err != nil || !ok || !plainDir(e.Meta) {
		return err
	}
	return f.tree.Remove(dir)
}

// unfoldVar moves the factory's /var back. A commit of another origin has none: its own /var stays.
func (f *files) unfoldVar(context.Context) error {
	ok, err := f.isDir(factoryVar)
	if err != nil || !ok {
		return err
	}
	if err := f.removeIfThere("var"); err != nil {
		return err
	}
	if err := f.tree.Move(factoryVar, "var"); err != nil {
		return err
	}
	return f.removeEmpty(path.Dir(factoryVar))
}
