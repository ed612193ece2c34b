package assemble

import (
	"context"
	"maps"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/pkgcache"
)

// importPackages puts the packages into the cache, and loads them: all of them, or only the Essential ones of a build
// from nothing. The others come while these are installed, which keeps one processor busy, and decompressing the next.
func (b *builder) importPackages(ctx context.Context) error {
	first := unpacked(b.in.Batches)
	b.placer = &nativeUnpacker{cache: pkgcache.New(b.in.Repo), packages: map[*apt.Package]*pkgcache.Package{}, log: b.log}
	for _, p := range first {
		if p.Name == "dpkg" {
			b.placer.version = p.Version.String()
		}
	}
	var later []*apt.Package
	if b.fresh() && b.reached < atEssential {
		later, first = first, essentialSet(b.in.Batches)
		later = slices.DeleteFunc(later, func(p *apt.Package) bool { return slices.Contains(first, p) })
	}
	loaded, err := b.placer.load(ctx, b.in.Debs, first, func(k pkgcache.Key) { b.progress("import "+k.Name, 0) })
	if err != nil {
		return err
	}
	maps.Copy(b.placer.packages, loaded)
	if len(later) > 0 {
		b.importLater(ctx, later)
	}
	return nil
}

// load imports packages that are not in the cache, and loads those that dpkg need not unpack. Several may go on at
// the same time.
func (n *nativeUnpacker) load(ctx context.Context, debs map[*apt.Package]string, packages []*apt.Package, report func(pkgcache.Key)) (map[*apt.Package]*pkgcache.Package, error) {
	sources := make([]pkgcache.Source, len(packages))
	for i, p := range packages {
		sources[i] = pkgcache.Source{Key: cacheKey(p), SHA256: p.SHA256, Path: debs[p]}
	}
	results, err := n.cache.Import(ctx, sources, pkgcache.Options{Report: report})
	if err != nil {
		return nil, err
	}
	loaded := make(map[*apt.Package]*pkgcache.Package, len(packages))
	for i, r := range results {
		if r.Unsupported != nil {
			n.log.Debug("left to dpkg", "package", packages[i].String(), "reason", r.Unsupported.Reason)
			continue
		}
		if loaded[packages[i]], err = n.cache.Load(ctx, r.Commit); err != nil {
			return nil, err
		}
	}
	return loaded, nil
}

// backgroundImport is an import that goes on while something else does. The fields below done are there when it is closed.
type backgroundImport struct {
	cancel context.CancelFunc
	done   chan struct{}
	loaded map[*apt.Package]*pkgcache.Package
	err    error
}

// importLater begins to import packages, which [builder.finishImport] waits for.
func (b *builder) importLater(ctx context.Context, packages []*apt.Package) {
	ctx, cancel := context.WithCancel(ctx)
	i := &backgroundImport{cancel: cancel, done: make(chan struct{})}
	b.importing = i
	go func() {
		defer close(i.done)
		i.loaded, i.err = b.placer.load(ctx, b.in.Debs, packages, nil)
	}()
}

// finishImport waits until all packages are there.
func (b *builder) finishImport() error {
	if b.importing == nil {
		return nil
	}
	b.progress("import", 0)
	<-b.importing.done
	if b.importing.err != nil {
		return b.importing.err
	}
	maps.Copy(b.placer.packages, b.importing.loaded)
	return nil
}

// stopImport ends what the build has not waited for.
func (b *builder) stopImport() {
	if b.importing != nil {
		b.importing.cancel()
		<-b.importing.done
	}
}
