package layout

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// factoryVar is where systemd looks for what a line "C /var/…" copies (tmpfiles.d(5)). It holds
// all of /var, directories and links included, as the exact record that Unfold moves back.
const factoryVar = "usr/share/factory/var"

const defaultFactoryLimit = 64 << 20

// volatile is what a machine can do without: no files below these are kept, directories are.
func volatile(name string) bool {
	for _, dir := range []string{"var/cache/", "var/log/", "var/tmp/", "var/backups/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return false
}

// foldVar moves /var to the factory and writes the tmpfiles.d lines that make it again on a
// machine, one file for each package whose directories they are.
func (f *folder) foldVar(ctx context.Context) error {
	if err := f.absent(factoryVar, "var"); err != nil {
		return err
	}
	if err := f.mkdirAll("var"); err != nil {
		return err
	}
	if err := f.dropVolatile(ctx); err != nil {
		return err
	}
	if err := f.varLines(ctx); err != nil {
		return err
	}
	if err := f.move("var", factoryVar); err != nil {
		return err
	}
	return f.tree.MkdirAll("var", dirMeta(0o755))
}

func (f *folder) dropVolatile(ctx context.Context) error {
	var drop []string
	err := f.walk("var", func(name string, e ostree.Entry) error {
		if e.Dir || !volatile(name) {
			return nil
		}
		if _, link, err := f.target(ctx, name); err != nil || link {
			return err
		}
		drop = append(drop, name)
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range drop {
		if err := f.tree.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) varLines(ctx context.Context) error {
	known, err := f.loadDeclared(ctx)
	if err != nil {
		return err
	}
	byPackage := map[string]*tmpfiles{}
	err = f.walk("var", func(name string, e ostree.Entry) error {
		lines := byPackage[f.varOwner(name)]
		if lines == nil {
			lines = &tmpfiles{}
			byPackage[f.varOwner(name)] = lines
		}
		return f.varLine(ctx, lines, known, name, e)
	})
	if err != nil {
		return err
	}
	for _, pkg := range slices.Sorted(maps.Keys(byPackage)) {
		if err := f.writeTmpfiles(ctx, tmpfilesPrefix+pkg+".conf", byPackage[pkg]); err != nil {
			return err
		}
	}
	return nil
}

// varLine adds the line for one entry, unless a package has one for it already.
func (f *folder) varLine(ctx context.Context, lines *tmpfiles, known declared, name string, e ostree.Entry) error {
	abs := "/" + name
	if strings.ContainsAny(abs, "\n\r") {
		f.warn("%q will be missing on machines: tmpfiles.d cannot name a path with a line break", abs)
		return nil
	}
	if e.Dir {
		if known[abs] != 'd' {
			lines.dir(abs, e.Meta.Mode&permMask, f.names.owner(e.Meta.UID), f.names.group(e.Meta.GID))
		}
		return nil
	}
	info, err := f.store.FileInfo(ctx, e.File)
	if err != nil {
		return fmt.Errorf("%s: %w", abs, err)
	}
	if info.Mode&typeMask == typeLink {
		if known[abs] != 'L' {
			lines.link(abs, info.Target)
		}
		return nil
	}
	limit := f.opts.FactoryLimit
	if limit == 0 {
		limit = defaultFactoryLimit
	}
	if info.Size > limit {
		return fmt.Errorf("%s has %d bytes, and every machine would get a copy: remove it in a postprocess script, or raise the limit of %d", abs, info.Size, limit)
	}
	f.report.Factory = append(f.report.Factory, abs)
	if known[abs] != 'f' {
		lines.file(abs, info.Mode&permMask, f.names.owner(info.UID), f.names.group(info.GID))
	}
	return nil
}

// varOwner names the package a path of /var belongs to, by the path it had before topLevel.
func (f *folder) varOwner(name string) string {
	plain := name
	for _, d := range topDirs() {
		if name == d.moved || strings.HasPrefix(name, d.moved+"/") {
			plain = path.Join(d.name, strings.TrimPrefix(name, d.moved))
		}
	}
	if strings.HasPrefix(name, optVar+"/") && f.owners[name] == "" {
		plain = path.Join(optDir, strings.TrimPrefix(name, optVar))
	}
	if pkg := f.owners[plain]; pkg != "" {
		return pkg
	}
	return "unowned"
}
