package assemble

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// initramfs makes one with dracut or initramfs-tools, once, if it is wanted or if
// the base's own is out of date.
func (b *builder) initramfs(ctx context.Context) error {
	kernels, err := b.kernels()
	if err != nil {
		return err
	}
	if len(kernels) == 0 {
		return nil // folding says whether that is an error
	}
	if len(kernels) > 1 {
		return fmt.Errorf("initramfs: there are %d kernels (%s) and a commit boots one: remove the others", len(kernels), strings.Join(kernels, ", "))
	}
	wanted, err := b.initramfsWanted(kernels[0])
	if err != nil || !wanted {
		return err
	}
	b.progress("initramfs "+kernels[0], 0)
	// An initramfs keeps the times of files, and a commit has none.
	if err := b.cage.forgetTimes(ctx); err != nil {
		return err
	}
	if err := b.makeInitramfs(ctx, kernels[0]); err != nil {
		return err
	}
	b.progress("initramfs "+kernels[0], 1)
	return nil
}

// initramfsCommand is what makes the initramfs.
func (b *builder) initramfsCommand(kernel string) ([]string, error) {
	tools, err := b.initramfsTools()
	switch {
	case err != nil:
		return nil, err
	case tools:
		return b.mkinitramfsCommand(kernel)
	}
	return b.dracutCommand(kernel)
}

// dracutCommand is how dracut is run, if the tree has what that takes.
func (b *builder) dracutCommand(kernel string) ([]string, error) {
	for _, need := range []struct{ path, provider string }{
		{"usr/bin/dracut", "dracut or initramfs-tools"},
		{"usr/lib/dracut/modules.d/98ostree", "ostree-boot"},
	} {
		ok, err := b.exists(need.path)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fmt.Errorf("initramfs: no /%s in the tree: add the package %s, or ask for no initramfs", need.path, need.provider)
		}
	}
	// dracut's own choice of level 15 takes eight times as long for 1% less.
	compression := "zstd -9 -q -T0"
	zstd, err := b.exists("usr/bin/zstd")
	if err != nil {
		return nil, err
	}
	if !zstd {
		compression = "gzip -n -6"
	}
	argv := []string{"dracut", "--force", "--no-hostonly", "--reproducible", "--compress", compression, "--add", "ostree", "--kver", kernel}
	argv = append(argv, b.in.InitramfsArgs...)
	return append(argv, "/"+initramfsPath(kernel)), nil
}

func (b *builder) runInitramfs(ctx context.Context, argv []string) error {
	return b.cage.Run(ctx, "initramfs", "initramfs", argv...)
}

func initramfsPath(kernel string) string { return "usr/lib/modules/" + kernel + "/initramfs.img" }

// initramfsWanted decides. On a base, packages cannot ask for a new initramfs
// in one voice, so the traces they leave count: files below the directories
// that dracut and initramfs-tools read, and the trigger that stands for update-initramfs.
func (b *builder) initramfsWanted(kernel string) (bool, error) {
	if b.in.Initramfs || b.fresh() {
		return b.in.Initramfs, nil
	}
	if !b.hadInitramfs {
		return false, nil
	}
	has, err := b.exists(initramfsPath(kernel))
	if err != nil || !has {
		return err == nil, err // another kernel than the base's
	}
	for _, dir := range []string{
		"usr/lib/modules/" + kernel, "usr/lib/firmware", "usr/lib/dracut", "usr/lib/modprobe.d",
		"etc/dracut.conf", "etc/dracut.conf.d", "etc/modprobe.d", "etc/crypttab", "etc/mdadm", "etc/lvm",
		"etc/initramfs-tools", "usr/share/initramfs-tools",
	} {
		changed, err := b.cage.inAnyLayer(dir)
		if changed || err != nil {
			return changed, err
		}
	}
	return slices.ContainsFunc(b.cage.reports, func(line statusLine) bool {
		return line.kind == lineProcessing && line.value == "trigproc" && slices.Contains([]string{"dracut", "initramfs-tools"}, bareName(line.subject))
	}), nil
}

// dropRemovedKernels removes what a commit keeps of a kernel besides what its
// package ships, for kernels of the base whose package is gone.
func (b *builder) dropRemovedKernels() error {
	return b.inRoot(func(root *os.Root) error {
		for _, kernel := range b.baseKernels {
			dir := "usr/lib/modules/" + kernel
			_, err := root.Lstat(dir + "/kernel") // every Debian kernel package ships it
			if err == nil {
				continue
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if err := root.RemoveAll(dir); err != nil {
				return err
			}
		}
		return nil
	})
}

// kernels are the releases with an image, in /boot where packages put it or
// where a commit keeps it.
func (b *builder) kernels() ([]string, error) {
	var found []string
	err := b.inRoot(func(root *os.Root) error {
		modules, err := fs.ReadDir(root.FS(), "usr/lib/modules")
		if err != nil {
			return ignoreMissing(err)
		}
		for _, m := range modules {
			for _, image := range []string{"boot/vmlinuz-" + m.Name(), "boot/vmlinux-" + m.Name(), "usr/lib/modules/" + m.Name() + "/vmlinuz"} {
				_, err := root.Lstat(image)
				if err == nil {
					found = append(found, m.Name())
					break
				}
				if !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
		}
		return nil
	})
	return found, err
}

func (b *builder) exists(name string) (bool, error) {
	found := false
	err := b.inRoot(func(root *os.Root) error {
		_, err := root.Lstat(name)
		found = err == nil
		return ignoreMissing(err)
	})
	return found, err
}
