package assemble

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/pkgcache"
)

// nativeUnpacker is the unpacker that places files from the package cache by
// hard link and writes dpkg's database itself. It proves for each package that
// the case is a simple one, see [unpacking.unfit] and [planner]; all others it
// leaves to dpkg, in their place in the order.
type nativeUnpacker struct {
	cache    *pkgcache.Cache
	packages map[*apt.Package]*pkgcache.Package
	log      *slog.Logger

	// force are further arguments for dpkg where a package is left to it. With
	// --force-depends among them dependencies are not looked at here either.
	force []string
	// version is that of the dpkg to be installed; "" if it is in the base.
	version string
	// settle makes one lower directory of all layers, when there are so many.
	settle    func(context.Context) error
	maxLayers int
	// placed counts packages that dpkg did not unpack.
	placed int
}

// cacheKey is how the cache knows a package.
func cacheKey(p *apt.Package) pkgcache.Key {
	return pkgcache.Key{Name: p.Name, Version: p.Version.String(), Architecture: p.Architecture}
}

// Unpack implements unpacker.
func (n *nativeUnpacker) Unpack(ctx context.Context, c *Cage, packages []*apt.Package) error {
	u, err := n.begin(c, false)
	if err != nil {
		return err
	}
	defer func() { u.view.close() }()
	for _, p := range packages {
		if err := u.unpack(ctx, p); err != nil {
			return err
		}
	}
	return u.flush(ctx)
}

// fill brings the files of packages into an empty tree, as deb.Reader.Extract
// does, which is extract's part where a package is not in the cache.
func (n *nativeUnpacker) fill(ctx context.Context, c *Cage, packages []*apt.Package, skip filter, extract func(*apt.Package) error) error {
	u, err := n.begin(c, true)
	if err != nil {
		return err
	}
	defer func() { u.view.close() }()
	u.filter = skip
	for _, p := range packages {
		reason := "it is not in the package cache"
		plan := &plan{pkg: p, cached: n.packages[p]}
		if plan.cached != nil {
			if reason, err = u.planFiles(ctx, plan); err != nil {
				return err
			}
		}
		if reason == "" {
			err = u.apply(plan)
		} else if err = u.flush(ctx); err == nil {
			err = errors.Join(extract(p), u.reload())
		}
		if err != nil {
			return fmt.Errorf("extract %s: %w", p.Name, err)
		}
	}
	return u.flush(ctx)
}

// unpacking is one run of Unpack.
type unpacking struct {
	*nativeUnpacker
	cage   *Cage
	view   *view
	db     *database
	filter filter
	// bootstrap fills the empty tree: no database, no scripts, and conffiles
	// where programs find them.
	bootstrap bool

	tree     *ostree.Tree // to be placed with the next flush
	rewrites []rewrite
	fresh    bool // something is in tree
}

// begin reads what is in the cage.
func (n *nativeUnpacker) begin(c *Cage, bootstrap bool) (*unpacking, error) {
	u := &unpacking{nativeUnpacker: n, cage: c, bootstrap: bootstrap}
	var err error
	if u.view, err = openView(c.Root()); err != nil {
		return nil, err
	}
	if err := u.reload(); err != nil {
		u.view.close()
		return nil, err
	}
	return u, nil
}

// reload reads everything anew after programs have run in the cage.
func (u *unpacking) reload() error {
	u.view.drop()
	u.view.forget()
	root, err := os.OpenRoot(u.cage.Root())
	if err != nil {
		return err
	}
	defer root.Close()
	if !u.bootstrap {
		if u.filter, err = readFilter(root); err != nil {
			return err
		}
	}
	before := u.db
	if u.db, err = readDatabase(root, u.view); err != nil {
		return fmt.Errorf("dpkg's database: %w", err)
	}
	if before != nil {
		u.db.overrides = before.overrides // of the whole run, as in dpkg
	}
	return u.startTree()
}

// unpack unpacks one package, by dpkg if the case is not simple.
func (u *unpacking) unpack(ctx context.Context, p *apt.Package) error {
	pkg := u.packages[p]
	reason := "it is not in the package cache"
	var plan *plan
	if u.cage.overwrites(p) {
		reason = "its files may replace those of others"
	} else if pkg != nil {
		var err error
		if plan, reason, err = u.plan(ctx, p, pkg); err != nil {
			return fmt.Errorf("unpack %s: %w", p.Name, err)
		}
	}
	if reason == "" && plan.preinst {
		var err error
		if reason, err = u.preinst(ctx, plan); err != nil {
			return err
		}
	}
	if reason != "" {
		u.log.Debug("left to dpkg", "package", p.String(), "reason", reason)
		return u.byDpkg(ctx, p)
	}
	u.cage.announce(p)
	if err := u.apply(plan); err != nil {
		return fmt.Errorf("unpack %s: %w", p.Name, err)
	}
	u.placed++
	return nil
}

// byDpkg leaves a package to the tree's dpkg.
func (u *unpacking) byDpkg(ctx context.Context, p *apt.Package) error {
	if err := u.flush(ctx); err != nil {
		return err
	}
	if _, err := u.cage.Deb(p); err != nil {
		return err
	}
	args := append(u.cage.unpackOptions(p), u.force...)
	if err := u.cage.Dpkg(ctx, append(args, "--unpack", debPath(p))...); err != nil {
		return err
	}
	return u.reload()
}

// forced tells whether dependencies do not count.
func (u *unpacking) forced() bool { return slices.Contains(u.force, "--force-depends") }

// flush makes what was placed visible in the cage, and with it dpkg's database.
func (u *unpacking) flush(ctx context.Context) error {
	if u.fresh {
		u.view.drop()
		id, err := u.writeTree(ctx)
		if err != nil {
			return err
		}
		u.view.close()
		if len(u.cage.layers) >= u.maxLayers {
			if err := u.settle(ctx); err != nil {
				return err
			}
		}
		start := time.Now()
		if err := u.cage.addLayer(ctx, u.cache.Repo(), id); err != nil {
			return err
		}
		u.log.Debug("placed", "layers", len(u.cage.layers), "took", time.Since(start))
		if u.view, err = openView(u.cage.Root()); err != nil {
			return err
		}
		if err := u.startTree(); err != nil {
			return err
		}
	}
	root, err := os.OpenRoot(u.cage.Root())
	if err != nil {
		return err
	}
	defer root.Close()
	return u.db.write(root)
}

// writeTree stores the tree to be placed, with the files that have another
// owner or mode here than in the cache. It waits for the disk, although nothing is
// left of the build if the machine stops: its objects are, and the next build
// would take them to be whole.
func (u *unpacking) writeTree(ctx context.Context) (id ostree.TreeID, err error) {
	err = u.cache.Repo().Update(ctx, func(w *ostree.Writer) error {
		for _, r := range u.rewrites {
			if err := r.do(ctx, w, u.tree); err != nil {
				return err
			}
		}
		id, err = w.WriteTree(ctx, u.tree)
		return err
	})
	return id, err
}

// startTree begins with an empty tree whose root is like that of the cage.
func (u *unpacking) startTree() error {
	root, err := u.view.dirMeta("")
	if err != nil {
		return err
	}
	u.tree, u.rewrites, u.fresh = ostree.NewTree(root), nil, false
	return nil
}

// rewrite is a file that is like one in the cache but for owner or mode.
type rewrite struct {
	path string
	from ostree.Checksum
	info ostree.FileInfo
}

func (r rewrite) do(ctx context.Context, w *ostree.Writer, tree *ostree.Tree) error {
	_, content, err := w.OpenFile(ctx, r.from)
	if err != nil {
		return err
	}
	defer content.Close()
	sum, err := w.WriteFile(ctx, r.info, content)
	if err != nil {
		return err
	}
	return tree.SetFile(r.path, sum)
}

// announce tells who listens, and the log, what dpkg would tell.
func (c *Cage) announce(p *apt.Package) {
	c.logs.switchTo(p.Name)
	fmt.Fprintf(c.logs, "Unpacking %s (%s) ...\n", p.Name, p.Version) // never fails
	c.logs.close()
	c.see(statusLine{lineProcessing, p.Name, "install"})
	c.see(statusLine{lineState, p.Name, "unpacked"})
}
