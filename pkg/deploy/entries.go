package deploy

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
)

// makeEntries installs the kernels and writes the boot entries of all deployments.
func (w *writer) makeEntries(ctx context.Context) error {
	dir := w.sysroot.entriesDir(w.boot)
	if err := removeAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	settings, err := w.sysroot.entrySettings()
	if err != nil {
		return err
	}
	w.entries, w.names = nil, nil
	if err := w.keepForeign(); err != nil {
		return fmt.Errorf("entries of others: %w", err)
	}
	for _, d := range w.list {
		if err := w.makeEntry(ctx, d, settings); err != nil {
			return fmt.Errorf("deployment %s: %w", d.Name(), err)
		}
	}
	return nil
}

// makeEntry installs the kernel and writes the boot entry of one deployment.
func (w *writer) makeEntry(ctx context.Context, d Deployment, settings entrySettings) error {
	root, err := os.OpenRoot(d.Path)
	if err != nil {
		return err
	}
	defer root.Close()
	k, err := w.sysroot.kernelOf(ctx, root.FS(), d.BootChecksum)
	if err != nil {
		return err
	}
	if err := w.sysroot.installKernel(root, k, bootDir(d)); err != nil {
		return fmt.Errorf("install kernel %s: %w", k.version, err)
	}
	if err := w.sysroot.installOverlays(d); err != nil {
		return fmt.Errorf("install additional initrd: %w", err)
	}
	entry, err := w.entry(d, root.FS(), k, settings)
	if err != nil {
		return err
	}
	text, err := entry.Bytes()
	if err != nil {
		return err
	}
	name := w.entryName(d, settings)
	w.entries, w.names = append(w.entries, entry), append(w.names, name)
	path := filepath.Join(w.sysroot.entriesDir(w.boot), name.String())
	return fsx.WriteFile(path, text, 0o644)
}

// bootDir is the directory of a deployment's kernel, relative to /boot.
func bootDir(d Deployment) string { return fmt.Sprintf("ostree/%s-%s", d.Stateroot, d.BootChecksum) }

// entry makes the boot entry of a deployment. Keys that others put into its last one stay.
func (w *writer) entry(d Deployment, tree fs.FS, k kernel, settings entrySettings) (*bootentry.Entry, error) {
	title, err := w.title(d, tree)
	if err != nil {
		return nil, err
	}
	e := d.entry.Clone()
	e.Set(bootentry.KeyTitle, title)
	e.Set(bootentry.KeyVersion, fmt.Sprint(w.version(d)))
	inBoot := func(name string) string { return settings.prefix + bootDir(d) + "/" + name }
	e.Set(bootentry.KeyLinux, inBoot(k.vmlinuz.name))
	args := d.args
	if len(d.overlays) > 0 {
		paths := make([]string, len(d.overlays))
		for i, name := range d.overlays {
			paths[i] = settings.prefix + overlayDir + "/" + name + ".img"
		}
		e.SetOverlays(paths)
	}
	if k.initramfs.path != "" {
		e.Set(bootentry.KeyInitrd, inBoot(k.initramfs.name))
		args = withoutPrepareRoot(args)
	} else {
		args = args.Set("init=" + w.bootLinkPath(d) + "/usr/lib/ostree/ostree-prepare-root")
	}
	args = args.Set("ostree=" + w.bootLinkPath(d))
	e.Set(bootentry.KeyOptions, args.String())
	switch {
	case k.deviceTree.path != "":
		e.Set(bootentry.KeyDeviceTree, inBoot(k.deviceTree.name))
	case k.dtbDir != "":
		e.Set(bootentry.KeyDTBDir, inBoot("dtb"))
	}
	if k.aboot.path != "" {
		e.Set("aboot", "/"+bootDir(d)+"/"+k.aboot.name)
		e.Set("abootcfg", fmt.Sprintf("/ostree/deploy/%s/deploy/%s/usr/lib/ostree-boot/aboot.cfg", d.Stateroot, d.Name()))
	}
	settings.appendExtra(e, d.Index == 0)
	return e, nil
}

// version is the number by which boot loaders sort: the default has the highest.
func (w *writer) version(d Deployment) int { return len(w.list) - d.Index }

// title is the line of a boot menu: "Debian GNU/Linux 12 12.5 (ostree:0)". The version of the commit
// is left out when the name has it already, and the stateroot unless there are several.
func (w *writer) title(d Deployment, tree fs.FS) (string, error) {
	title, err := systemName(tree)
	if err != nil {
		return "", err
	}
	if d.Version != "" && !strings.Contains(title, d.Version) {
		title += " " + strings.Join(strings.Fields(d.Version), " ")
	}
	for _, other := range w.list {
		if other.Stateroot != w.list[0].Stateroot {
			return fmt.Sprintf("%s (ostree:%s:%d)", title, d.Stateroot, d.Index), nil
		}
	}
	return fmt.Sprintf("%s (ostree:%d)", title, d.Index), nil
}

// entryName is the file name of a deployment's entry. A new deployment starts with a full boot
// counter if counting is configured; an older one keeps what is left of its own.
func (w *writer) entryName(d Deployment, settings entrySettings) bootentry.Name {
	name := bootentry.Name{Version: w.version(d)}
	if w.sysroot.opts.EntryNames == NamesWithStateroot {
		name.Stateroot = d.Stateroot
	}
	if settings.tries == 0 {
		return name
	}
	if isNew := d.file == (bootentry.Name{}); isNew {
		name.Counted, name.TriesLeft = true, settings.tries
	} else {
		name.Counted, name.TriesLeft, name.TriesDone = d.file.Counted, d.file.TriesLeft, d.file.TriesDone
	}
	return name
}
