package layout

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// modules is where a commit keeps its kernel. libostree boots the first directory below it, in no
// particular order, that has a vmlinuz; hence exactly one may.
const modules = "usr/lib/modules"

// bootFiles maps what kernel packages put into /boot to the names libostree, depmod and perf look
// for below usr/lib/modules/RELEASE.
var bootFiles = []struct{ prefix, name string }{
	{"vmlinuz-", "vmlinuz"},
	{"vmlinux-", "vmlinuz"}, // riscv64 and others boot an uncompressed image
	{"config-", "config"},
	{"System.map-", "System.map"},
	{"initrd.img-", "initramfs.img"},
}

// kernel moves the one kernel from /boot to usr/lib/modules and empties /boot.
func (f *folder) kernel(context.Context) error {
	if err := f.harvest(); err != nil {
		return err
	}
	kernels, err := f.kernels()
	if err != nil {
		return err
	}
	if kernels, err = f.dropOrphans(kernels); err != nil {
		return err
	}
	switch {
	case len(kernels) > 1:
		return fmt.Errorf("%d kernels, %s: an OSTree system boots exactly one, remove the packages of the others (linux-image-…)",
			len(kernels), strings.Join(kernels, " and "))
	case len(kernels) == 1:
		f.report.Kernel = kernels[0]
		if err := f.deviceTrees(kernels[0]); err != nil {
			return err
		}
		return f.warnNoInitramfs(kernels[0])
	case !f.opts.AllowNoKernel:
		return fmt.Errorf("no kernel: no vmlinuz in /boot or below /%s; add a linux-image package, or allow trees without a kernel if this is a container", modules)
	}
	return nil
}

// harvest moves the kernel's files out of /boot and removes the rest of it, and the links to it.
func (f *folder) harvest() error {
	list, err := f.children("boot")
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := f.harvestFile(e); err != nil {
			return err
		}
	}
	for _, pattern := range []string{"vmlinuz*", "vmlinux*", "initrd.img*"} {
		links, err := f.glob(pattern)
		if err != nil {
			return err
		}
		for _, name := range links {
			if err := f.tree.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *folder) harvestFile(e ostree.Entry) error {
	from := path.Join("boot", e.Name)
	for _, b := range bootFiles {
		release, ok := strings.CutPrefix(e.Name, b.prefix)
		if !ok || release == "" || e.Dir {
			continue
		}
		to := path.Join(modules, release, b.name)
		_, taken, err := f.entry(to)
		if err != nil {
			return err
		}
		if taken && b.name == "initramfs.img" { // ours is newer than one made by a script
			return f.tree.Remove(from)
		}
		return f.move(from, to)
	}
	if pkg := f.owners[from]; pkg != "" {
		f.warn("/%s of package %s is not part of the commit: /boot belongs to the machine", from, pkg)
	}
	return f.tree.Remove(from)
}

// kernels lists the releases that have a kernel, sorted.
func (f *folder) kernels() ([]string, error) {
	list, err := f.children(modules)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range list {
		_, ok, err := f.entry(path.Join(modules, e.Name, "vmlinuz"))
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, e.Name)
		}
	}
	slices.Sort(found)
	return found, nil
}

// dropOrphans removes what is left of kernels whose package is gone while another one is installed.
// When a layer replaces the kernel, dpkg removes the old package's modules but knows nothing of the
// vmlinuz and initramfs that an earlier Fold put beside them.
func (f *folder) dropOrphans(kernels []string) ([]string, error) {
	var kept, orphans []string
	for _, k := range kernels {
		if f.kernelOwned(k) {
			kept = append(kept, k)
		} else {
			orphans = append(orphans, k)
		}
	}
	if len(kept) == 0 {
		return kernels, nil
	}
	for _, k := range orphans {
		name := path.Join(modules, k)
		if err := f.tree.Remove(name); err != nil {
			return nil, err
		}
		f.stripped(name, "rest of a kernel whose package was removed")
	}
	return kept, nil
}

func (f *folder) kernelOwned(release string) bool {
	for _, name := range []string{"boot/vmlinuz-" + release, "boot/vmlinux-" + release, path.Join(modules, release, "vmlinuz")} {
		if f.owners[name] != "" {
			return true
		}
	}
	return false
}

func (f *folder) warnNoInitramfs(release string) error {
	_, ok, err := f.entry(path.Join(modules, release, "initramfs.img"))
	if err == nil && !ok {
		f.warn("kernel %s has no initramfs: the machine boots only if the root file system needs none", release)
	}
	return err
}
