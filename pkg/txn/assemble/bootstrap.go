package assemble

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
)

// essentialSet returns the Essential packages of batches with everything they
// depend on, in their order. dpkg and every script may rely on these without
// saying so (Debian Policy 3.8), hence they are there before the rest. The two
// that make accounts and the file system's shape come first.
func essentialSet(batches []solve.Batch) []*apt.Package {
	all := unpacked(batches)
	providers := map[string][]*apt.Package{}
	for _, p := range all {
		providers[p.Name] = append(providers[p.Name], p)
	}
	for _, p := range all { // real packages before virtual ones
		for _, r := range p.Provides {
			providers[r.Name] = append(providers[r.Name], p)
		}
	}
	chosen := map[*apt.Package]bool{}
	for _, p := range all {
		if p.Essential {
			choose(p, providers, chosen)
		}
	}
	set := slices.DeleteFunc(slices.Clone(all), func(p *apt.Package) bool { return !chosen[p] })
	slices.SortStableFunc(set, func(a, b *apt.Package) int { return rank(a) - rank(b) })
	return set
}

// choose adds p and what it depends on: of each group the first alternative
// that is to be installed. The solver saw to it that there is one.
func choose(p *apt.Package, providers map[string][]*apt.Package, chosen map[*apt.Package]bool) {
	if chosen[p] {
		return
	}
	chosen[p] = true
	for _, group := range slices.Concat(p.PreDepends, p.Depends) {
		if q := alternative(group, providers); q != nil {
			choose(q, providers, chosen)
		}
	}
}

func alternative(group relation.Group, providers map[string][]*apt.Package) *apt.Package {
	for _, r := range group {
		for _, q := range providers[r.Name] {
			if q.Name != r.Name || r.Satisfied(q.Version) {
				return q
			}
		}
	}
	return nil
}

// rank puts base-passwd first, whose preinst makes /etc/passwd, then base-files.
func rank(p *apt.Package) int {
	switch p.Name {
	case "base-passwd":
		return 0
	case "base-files":
		return 1
	}
	return 2
}

// unpacked lists all packages of batches in order.
func unpacked(batches []solve.Batch) []*apt.Package {
	var all []*apt.Package
	for _, b := range batches {
		all = append(all, b.Unpack...)
	}
	return all
}

// without leaves packages out of batches, and batches that have none left.
func without(batches []solve.Batch, done []*apt.Package) []solve.Batch {
	isDone := func(p *apt.Package) bool { return slices.Contains(done, p) }
	var rest []solve.Batch
	for _, b := range batches {
		b.Unpack = slices.DeleteFunc(slices.Clone(b.Unpack), isDone)
		b.Configure = slices.DeleteFunc(slices.Clone(b.Configure), isDone)
		if len(b.Unpack)+len(b.Configure) > 0 {
			rest = append(rest, b)
		}
	}
	return rest
}

// extract fills the empty tree with the files of the essential packages, so
// that there is a dpkg to install the same packages properly.
func (b *builder) extract(ctx context.Context, essential []*apt.Package) error {
	if len(essential) == 0 {
		return errors.New("build from nothing: none of the packages is Essential, so there is no dpkg to work with: add the Essential packages, or name a base")
	}
	if err := b.skeleton(ctx, essential); err != nil {
		return err
	}
	if b.placer != nil {
		return b.fill(ctx, essential)
	}
	for _, p := range essential {
		b.progress("extract "+p.Name, 0)
		if err := b.extractOne(ctx, p); err != nil {
			return fmt.Errorf("extract %s: %w", p.Name, err)
		}
	}
	if b.in.ExcludeDocs {
		return b.removeDocs()
	}
	return nil
}

// fill is extract by way of the package cache.
func (b *builder) fill(ctx context.Context, essential []*apt.Package) error {
	b.progress("extract", 0)
	var options []string
	if b.in.ExcludeDocs {
		options = DocExcludes()
	}
	skip, err := parseFilter(options)
	if err != nil {
		return err
	}
	return b.placer.fill(ctx, b.cage, essential, skip, func(p *apt.Package) error {
		if err := b.extractOne(ctx, p); err != nil || !b.in.ExcludeDocs {
			return err
		}
		return b.removeDocs()
	})
}

func (b *builder) extractOne(ctx context.Context, p *apt.Package) error {
	return b.openDeb(p, func(r *deb.Reader) error {
		return r.Extract(ctx, b.cage.Root(), deb.ExtractOptions{})
	})
}

// openDeb opens the file of a package for as long as do runs.
func (b *builder) openDeb(p *apt.Package, do func(*deb.Reader) error) error {
	file, err := b.cage.Deb(p)
	if err != nil {
		return err
	}
	r, err := deb.Open(file, deb.Options{})
	if err != nil {
		return err
	}
	return errors.Join(do(r), r.Close())
}

// skeleton makes what must be there before the first file is: the links of a
// merged /usr, mount points, and an empty package database.
func (b *builder) skeleton(ctx context.Context, essential []*apt.Package) error {
	root, err := os.OpenRoot(b.cage.Root())
	if err != nil {
		return err
	}
	defer root.Close()
	links, err := b.usrLinks(ctx, essential)
	if err != nil {
		return err
	}
	for _, name := range links {
		if err := errors.Join(makeDir(root, "usr/"+name, 0o755), root.Symlink("usr/"+name, name)); err != nil {
			return err
		}
	}
	for _, dir := range []struct {
		name string
		mode fs.FileMode
	}{
		{"dev", 0o755}, {"etc", 0o755}, {"proc", 0o755}, {"run", 0o755}, {"sys", 0o755},
		{"tmp", 0o777 | fs.ModeSticky}, {"var/tmp", 0o777 | fs.ModeSticky},
		{"var/lib/dpkg/info", 0o755}, {"var/lib/dpkg/updates", 0o755}, {"var/lib/dpkg/triggers", 0o755},
		{"var/lib/dpkg/alternatives", 0o755}, {"var/lib/dpkg/parts", 0o755},
	} {
		if err := makeDir(root, dir.name, dir.mode); err != nil {
			return err
		}
	}
	return b.emptyDatabase(root, essential)
}

// emptyDatabase writes the files dpkg wants to see. With a file of
// architectures, its first line is what dpkg takes for the machine's.
func (b *builder) emptyDatabase(root *os.Root, essential []*apt.Package) error {
	native := b.native(essential)
	if native == "" {
		return errors.New("build from nothing: dpkg is not among the Essential packages and no architecture was given")
	}
	arch := strings.Join(append([]string{native}, b.in.ForeignArchitectures...), "\n") + "\n"
	for name, text := range map[string]string{"status": "", "available": "", "arch": arch} {
		if err := root.WriteFile("var/lib/dpkg/"+name, []byte(text), 0o644); err != nil {
			return err
		}
		if err := root.Chmod("var/lib/dpkg/"+name, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// native is the architecture dpkg is made for, unless the input says otherwise.
func (b *builder) native(essential []*apt.Package) string {
	if b.in.Architecture != "" {
		return b.in.Architecture
	}
	for _, p := range essential {
		if p.Name == "dpkg" {
			return p.Architecture
		}
	}
	return ""
}

// makeDir makes a directory and those above it, whatever the umask.
func makeDir(root *os.Root, name string, mode fs.FileMode) error {
	for i, c := range name + "/" {
		if c != '/' {
			continue
		}
		if err := root.Mkdir(name[:i], 0o755); err != nil {
			if errors.Is(err, fs.ErrExist) {
				continue
			}
			return err
		}
		if err := root.Chmod(name[:i], 0o755); err != nil {
			return err
		}
	}
	return root.Chmod(name, mode)
}
