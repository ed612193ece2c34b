package assemble

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// keptImage is the name of the initramfs in the tree of its stage.
const keptImage = "initramfs.img"

// outsideInitramfs are directories that dracut takes nothing from, unless somebody
// names them in its arguments or configuration. What a unit is enabled by, it looks
// at only to make an initramfs for one host. The hooks of initramfs-tools may read
// anything.
func outsideInitramfs(tree *ostree.Tree, args []string) []string {
	const record = "usr/share/apt-ostree"
	named := slices.ContainsFunc(args, func(a string) bool { return strings.Contains(a, "/") || a == "--hostonly" || a == "-H" })
	if entries, err := tree.ReadDir("etc/dracut.conf.d"); named || tree.Exists(mkinitramfs) || err == nil && len(entries) > 0 {
		return []string{record}
	}
	return []string{
		record, "etc/apt", "etc/systemd/system",
		"var", "usr/include", "usr/src", "usr/share/doc", "usr/share/info", "usr/share/lintian",
		"usr/share/locale", "usr/share/man",
	}
}

// makeInitramfs runs dracut or initramfs-tools, unless what it would make is kept.
func (b *builder) makeInitramfs(ctx context.Context, kernel string) error {
	argv, err := b.initramfsCommand(kernel)
	if err != nil {
		return err
	}
	if !b.keepsStages() {
		return b.runInitramfs(ctx, argv)
	}
	key, err := b.initramfsKey(ctx, argv)
	if err != nil {
		return fmt.Errorf("initramfs: key of the tree: %w", err)
	}
	kept, err := b.findStage(ctx, atInitramfs, key)
	if err != nil {
		return err
	}
	if kept != nil {
		b.kept = append(b.kept, *kept)
		b.log.Debug("takes the kept initramfs", "key", key)
		return b.placeInitramfs(ctx, kernel, kept.tree)
	}
	if err := b.runInitramfs(ctx, argv); err != nil {
		return err
	}
	return b.keepInitramfs(ctx, kernel, key)
}

// initramfsKey hashes all that either may read: the tree and its arguments.
func (b *builder) initramfsKey(ctx context.Context, argv []string) (string, error) {
	if _, err := b.leftovers(); err != nil { // sockets cannot be in a tree
		return "", err
	}
	if err := b.cage.unmount(); err != nil {
		return "", err
	}
	var id ostree.TreeID
	err := b.in.Repo.Update(ctx, func(w *ostree.Writer) error {
		tree, err := b.mergedTree(ctx, w)
		if err != nil {
			return err
		}
		for _, dir := range outsideInitramfs(tree, b.in.InitramfsArgs) {
			if !tree.Exists(dir) {
				continue
			}
			if err := tree.Remove(dir); err != nil {
				return err
			}
		}
		id, err = w.WriteTree(ctx, tree)
		return err
	})
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "initramfs %d\n%q\n%q\n%s %s\n", stageFormat, argv, b.cage.env, id.Contents, id.Meta)
	return hex.EncodeToString(h.Sum(nil)), b.cage.mountLayers(ctx)
}

// placeInitramfs writes the one that is kept where dracut would.
func (b *builder) placeInitramfs(ctx context.Context, kernel string, kept ostree.TreeID) error {
	tree, err := b.in.Repo.LoadTree(ctx, kept)
	if err != nil {
		return err
	}
	e, err := tree.Lookup(keptImage)
	if err != nil {
		return err
	}
	info, content, err := b.in.Repo.OpenFile(ctx, e.File)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(content)
	if err = errors.Join(err, content.Close()); err != nil {
		return err
	}
	return b.inRoot(func(root *os.Root) error {
		return replaceFile(root, initramfsPath(kernel), data, os.FileMode(info.Mode).Perm())
	})
}

// keepInitramfs remembers the one that dracut has made.
func (b *builder) keepInitramfs(ctx context.Context, kernel, key string) error {
	tree := ostree.NewTree(ostree.DirMeta{Mode: unix.S_IFDIR | 0o755})
	var id ostree.TreeID
	err := b.inRoot(func(root *os.Root) error {
		f, err := root.Open(initramfsPath(kernel))
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		return b.in.Repo.Update(ctx, func(w *ostree.Writer) error {
			sum, err := w.WriteFile(ctx, ostree.FileInfo{Mode: unix.S_IFREG | uint32(info.Mode().Perm())}, f)
			if err == nil {
				err = tree.SetFile(keptImage, sum)
			}
			if err == nil {
				id, err = w.WriteTree(ctx, tree)
			}
			return err
		})
	})
	if err == nil {
		b.remember(atInitramfs, key, id, 0)
	}
	return err
}
