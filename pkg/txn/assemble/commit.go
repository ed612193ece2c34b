package assemble

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/layout"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/pkgcache"
)

// Keys of the commit's metadata. The first two are OSTree's.
const (
	keyBootable = "ostree.bootable"
	keyLinux    = "ostree.linux"
	keyPackages = "apt-ostree.pkglist"
)

// checkoutBase makes the lower directory: the base in the shape dpkg expects.
func (b *builder) checkoutBase(ctx context.Context) error {
	if b.reached > atStart {
		return b.in.Repo.CheckoutTree(ctx, b.lower, b.cage.path("lower"), ostree.CheckoutOptions{})
	}
	if b.fresh() {
		return nil
	}
	base, err := b.in.Repo.LoadCommit(ctx, b.in.Base)
	if err != nil {
		return fmt.Errorf("base: %w", err)
	}
	err = b.in.Repo.Update(ctx, func(w *ostree.Writer) error {
		tree, err := w.LoadTree(ctx, base.Tree)
		if err != nil {
			return err
		}
		if err := b.lookAtKernels(tree); err != nil {
			return err
		}
		if err := layout.Unfold(ctx, w, tree); err != nil {
			return err
		}
		b.lower, err = w.WriteTree(ctx, tree)
		return err
	})
	if err != nil {
		return fmt.Errorf("base %s: %w", b.in.Base, err)
	}
	return b.in.Repo.CheckoutTree(ctx, b.lower, b.cage.path("lower"), ostree.CheckoutOptions{})
}

// lookAtKernels notes the kernels of a commit, and whether there is an
// initramfs.
func (b *builder) lookAtKernels(tree *ostree.Tree) error {
	const modules = "usr/lib/modules"
	if !tree.Exists(modules) {
		return nil
	}
	entries, err := tree.ReadDir(modules)
	for _, e := range entries {
		if tree.Exists(modules + "/" + e.Name + "/vmlinuz") {
			b.baseKernels = append(b.baseKernels, e.Name)
		}
		b.hadInitramfs = b.hadInitramfs || tree.Exists(initramfsPath(e.Name))
	}
	return err
}

// commit reads the overlay and writes the commit: the only step that changes
// what others see of the repository, all of it or nothing.
func (b *builder) commit(ctx context.Context) (*Result, error) {
	result := &Result{Packages: dpkg.Installed(b.status), Native: b.placed()}
	err := b.in.Repo.Update(ctx, func(w *ostree.Writer) error {
		tree, err := b.mergedTree(ctx, w)
		if err != nil {
			return err
		}
		options := layout.Options{AllowNoKernel: b.in.AllowNoKernel || !b.fresh() && len(b.baseKernels) == 0}
		if result.Fold, err = layout.Fold(ctx, w, tree, options); err != nil {
			return err
		}
		if b.in.ReadOnlyExecutables {
			if tree, err = readOnly(ctx, w, tree); err != nil {
				return err
			}
		}
		result.Kernel = result.Fold.Kernel
		if result.Tree, err = w.WriteTree(ctx, tree); err != nil {
			return err
		}
		if result.Commit, err = w.WriteCommit(ctx, b.describe(result)); err != nil {
			return err
		}
		if b.in.Ref != (ostree.Refspec{}) {
			if err := w.SetRef(b.in.Ref, result.Commit); err != nil {
				return err
			}
		}
		result.Stats = w.Stats()
		return b.writeStages(ctx, w)
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// readOnly is a tree whose programs nobody may write to. Only files that this
// changes are read.
func readOnly(ctx context.Context, w *ostree.Writer, tree *ostree.Tree) (*ostree.Tree, error) {
	root, err := tree.Lookup("/")
	if err != nil {
		return nil, err
	}
	out := ostree.NewTree(root.Meta)
	return out, w.AddTree(ctx, out, "/", tree, ostree.AddOptions{ReadOnlyExecutables: true})
}

// mergedTree is what was at the mount.
func (b *builder) mergedTree(ctx context.Context, w *ostree.Writer) (*ostree.Tree, error) {
	tree := ostree.NewTree(ostree.DirMeta{Mode: unix.S_IFDIR | 0o755})
	if b.lower != (ostree.TreeID{}) {
		var err error
		if tree, err = w.LoadTree(ctx, b.lower); err != nil {
			return nil, err
		}
	}
	return tree, b.cage.merge(ctx, w, tree)
}

// describe completes the commit of the input.
func (b *builder) describe(r *Result) ostree.Commit {
	c := b.in.Commit
	c.Tree = r.Tree
	if c.Timestamp.IsZero() {
		c.Timestamp = b.in.Timestamp
	}
	c.Metadata = append(ostree.Metadata(nil), c.Metadata...)
	if r.Kernel != "" {
		c.Metadata = append(c.Metadata,
			ostree.MetadataEntry{Key: keyBootable, Value: gvariant.Bool(true)},
			ostree.MetadataEntry{Key: keyLinux, Value: gvariant.String(r.Kernel)})
	}
	list := make([]gvariant.Value, len(r.Packages))
	for i, p := range r.Packages {
		list[i] = gvariant.Tuple(gvariant.String(p.Name), gvariant.String(p.Version.String()), gvariant.String(p.Architecture))
	}
	c.Metadata = append(c.Metadata, ostree.MetadataEntry{Key: keyPackages, Value: gvariant.Array("(sss)", list...)})
	return c
}

// PackageKeys lists the packages of a commit that Build has made, as the package
// cache knows them. Other commits have none.
func PackageKeys(c *ostree.Commit) []pkgcache.Key {
	list, ok := c.Metadata.Lookup(keyPackages)
	if !ok || list.Type() != "a(sss)" {
		return nil
	}
	var keys []pkgcache.Key
	for _, p := range list.Children() {
		var fields [3]string
		for i := range fields {
			v, err := p.At(i)
			if err == nil {
				fields[i], err = v.Str()
			}
			if err != nil {
				return keys // the type was checked
			}
		}
		keys = append(keys, pkgcache.Key{Name: fields[0], Version: fields[1], Architecture: fields[2]})
	}
	return keys
}

// accountsOf finds the directory of a seed that has the account files.
func accountsOf(exists func(string) bool) string {
	for _, dir := range []string{"usr/etc", "etc", "."} {
		if exists(strings.TrimPrefix(dir+"/passwd", "./")) {
			return dir
		}
	}
	return ""
}
