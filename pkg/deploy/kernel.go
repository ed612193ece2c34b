package deploy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// kernel is what a tree boots with. Paths are inside the tree; names are those in /boot.
type kernel struct {
	version string
	// files are vmlinuz, then what is present of initramfs, device tree, HMAC and Android image.
	vmlinuz, initramfs, deviceTree, hmac, aboot bootFile
	// dtbDir is a directory of device trees that is installed as a whole, "" when there is none.
	dtbDir string
	// checksum is known beforehand for trees that carry it in file names.
	checksum string
}

// bootFile is one file; the zero value is a file that does not exist.
type bootFile struct{ path, name string }

func (k kernel) files() []bootFile {
	all := []bootFile{k.vmlinuz, k.initramfs, k.deviceTree, k.hmac, k.aboot}
	return slices.DeleteFunc(all, func(f bootFile) bool { return f.path == "" })
}

const noKernel = "it has no kernel: /usr/lib/modules/VERSION/vmlinuz is missing, and so are /usr/lib/ostree-boot and /boot with a kernel in them"

// findKernels looks for kernels in a tree: in /usr/lib/modules/VERSION, and in the older places
// /usr/lib/ostree-boot and /boot, which win when only they have an initramfs. The error is one of
// reading; no kernel gives an empty list, and several mean that none can be chosen.
func (s *Sysroot) findKernels(tree fs.FS) ([]kernel, error) {
	modern, err := modulesKernels(tree)
	if s.opts.NoDeviceTrees {
		for i := range modern {
			modern[i].deviceTree, modern[i].dtbDir = bootFile{}, ""
		}
	}
	if err != nil {
		return nil, err
	}
	legacy, err := legacyKernel(tree)
	if err != nil || legacy == nil {
		return modern, err
	}
	if len(modern) == 0 || (modern[0].initramfs.path == "" && legacy.initramfs.path != "") {
		return []kernel{*legacy}, nil
	}
	return modern, nil
}

// modulesKernels finds the kernels in /usr/lib/modules.
func modulesKernels(tree fs.FS) ([]kernel, error) {
	const modules = "usr/lib/modules"
	versions, err := fs.ReadDir(tree, modules)
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found []kernel
	for _, e := range versions {
		if !e.IsDir() {
			continue
		}
		k, err := modulesKernel(tree, path.Join(modules, e.Name()), e.Name())
		if err != nil {
			return nil, err
		}
		if k.vmlinuz.path != "" {
			found = append(found, k)
		}
	}
	return found, nil
}

// modulesKernel describes one directory of /usr/lib/modules.
func modulesKernel(tree fs.FS, dir, version string) (kernel, error) {
	k := kernel{version: version}
	for _, want := range []struct {
		field        *bootFile
		source, name string
	}{
		{&k.vmlinuz, "vmlinuz", "vmlinuz-" + version},
		{&k.initramfs, "initramfs", "initramfs-" + version + ".img"},
		{&k.initramfs, "initramfs.img", "initramfs-" + version + ".img"},
		{&k.deviceTree, "devicetree", "devicetree-" + version},
		{&k.hmac, ".vmlinuz.hmac", ".vmlinuz-" + version + ".hmac"},
		{&k.aboot, "aboot.img", "aboot-" + version + ".img"},
	} {
		info, err := fs.Stat(tree, path.Join(dir, want.source))
		switch {
		case err == nil && info.Mode().IsRegular():
			*want.field = bootFile{path.Join(dir, want.source), want.name}
		case err != nil && !isMissing(err):
			return k, err
		}
	}
	if k.deviceTree.path != "" {
		return k, nil
	}
	info, err := fs.Stat(tree, path.Join(dir, "dtb"))
	switch {
	case err == nil && info.IsDir():
		k.dtbDir = path.Join(dir, "dtb")
	case err != nil && !isMissing(err):
		return k, err
	}
	return k, nil
}

// legacyKernel finds a kernel whose file names end in the boot checksum.
func legacyKernel(tree fs.FS) (*kernel, error) {
	for _, dir := range []string{"usr/lib/ostree-boot", "boot"} {
		files, err := fs.ReadDir(tree, dir)
		if isMissing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return legacyKernelIn(dir, files)
	}
	return nil, nil
}

// legacyKernelIn describes the kernel of one directory. All its files must carry the same checksum.
func legacyKernelIn(dir string, files []fs.DirEntry) (*kernel, error) {
	k := new(kernel)
	for _, e := range files {
		name, sum, ok := cutChecksum(e.Name())
		if !ok {
			continue
		}
		var field *bootFile
		// The version in the middle may be missing.
		switch kind, version, _ := strings.Cut(name, "-"); kind {
		case "vmlinuz":
			field, k.version = &k.vmlinuz, version
		case "initramfs":
			field = &k.initramfs
		case "devicetree":
			field = &k.deviceTree
		default:
			continue
		}
		if k.checksum != "" && k.checksum != sum {
			return nil, fmt.Errorf("the files in /%s carry different boot checksums, %s and %s", dir, k.checksum, sum)
		}
		k.checksum = sum
		*field = bootFile{path.Join(dir, e.Name()), name}
	}
	if k.vmlinuz.path == "" {
		return nil, nil
	}
	return k, nil
}

// cutChecksum splits "NAME-CHECKSUM".
func cutChecksum(name string) (before, sum string, ok bool) {
	at := strings.LastIndexByte(name, '-')
	if at < 0 || len(name)-at-1 != sha256.Size*2 {
		return "", "", false
	}
	if _, err := hex.DecodeString(name[at+1:]); err != nil {
		return "", "", false
	}
	return name[:at], name[at+1:], true
}

// bootChecksum hashes the contents of kernel, initramfs and device trees, in this order. It names
// the directory in /boot, so an unchanged kernel is neither copied nor listed anew.
func (k kernel) bootChecksum(ctx context.Context, tree fs.FS) (string, error) {
	if k.checksum != "" {
		return k.checksum, nil
	}
	hash := sha256.New()
	for _, f := range []bootFile{k.vmlinuz, k.initramfs, k.deviceTree} {
		if f.path == "" {
			continue
		}
		if err := hashFile(ctx, hash, tree, f.path); err != nil {
			return "", err
		}
	}
	if k.dtbDir != "" {
		err := fs.WalkDir(tree, k.dtbDir, func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			return hashFile(ctx, hash, tree, name)
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

func hashFile(ctx context.Context, hash io.Writer, tree fs.FS, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := tree.Open(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(hash, f)
	return errors.Join(err, f.Close())
}

// kernelOf returns the kernel of a tree that is deployed already, which the boot checksum tells
// apart from others should there be several.
func (s *Sysroot) kernelOf(ctx context.Context, tree fs.FS, bootChecksum string) (kernel, error) {
	found, err := s.findKernels(tree)
	if err != nil {
		return kernel{}, err
	}
	if len(found) == 1 {
		return found[0], nil
	}
	for _, k := range found {
		sum, err := k.bootChecksum(ctx, tree)
		if err != nil {
			return kernel{}, err
		}
		if sum == bootChecksum {
			return k, nil
		}
	}
	return kernel{}, fmt.Errorf("no kernel with boot checksum %s", cmp.Or(bootChecksum, "(none)"))
}
