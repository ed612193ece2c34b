package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
)

// write makes a list of deployments effective, and drops the staged one unless the list has it.
func (s *Sysroot) write(ctx context.Context, st *state, list []Deployment, progress func(string)) (committed bool, err error) {
	staged := st.staged()
	kept := staged != nil && slices.ContainsFunc(list, staged.Same)
	w := &writer{sysroot: s, old: st.final(), list: number(notStaged(list)), boot: st.boot}
	if kept {
		w.staged = staged
	}
	if err := w.check(); err != nil {
		return false, err
	}
	if st, err = s.makeRoom(ctx, st, w); err != nil {
		return false, err
	}
	w.old, w.boot = st.final(), st.boot
	committed, err = w.write(ctx, progress)
	if err != nil || staged == nil || kept {
		return committed, err
	}
	if err := s.dropStaged(*staged); err != nil {
		return committed, fmt.Errorf("drop staged deployment %s: %w", staged.Name(), err)
	}
	return committed, nil
}

// check refuses a list without the running deployment.
func (w *writer) check() error {
	if booted := w.old.booted(); booted != nil && !slices.ContainsFunc(w.list, booted.Same) {
		return &BootedError{Name: booted.Name()}
	}
	return nil
}

// notStaged returns the deployments that have boot entries.
func notStaged(list []Deployment) []Deployment {
	return slices.DeleteFunc(slices.Clone(list), func(d Deployment) bool { return d.Staged })
}

// write prepares everything beside what is in effect, syncs, and then renames one symbolic link:
// that is the commit point, and committed tells whether it was reached. When kernels, arguments,
// versions and boot counters stay the same, only the link farm is switched, and boot entries and boot
// loader are left alone.
func (w *writer) write(ctx context.Context, progress func(string)) (committed bool, err error) {
	s, st, list := w.sysroot, w.old, w.list
	sameEntries, err := w.sameEntries()
	if err != nil {
		return false, err
	}
	if sameEntries && slices.EqualFunc(st.deployments, list, Deployment.Same) {
		return false, nil
	}
	prepare, commit := w.prepareFarm, w.switchFarm
	if !sameEntries {
		w.boot = 1 - st.boot
		prepare, commit = w.prepareEntries, w.switchLoader
	}
	sub, err := s.readSubVersion(w.boot)
	if err != nil {
		return false, err
	}
	w.sub = 1 - sub
	if err := s.writable(!sameEntries); err != nil {
		return false, err
	}
	progress("write boot entries")
	if err := w.protect(ctx); err != nil {
		return false, err
	}
	if err := prepare(ctx); err != nil {
		return false, err
	}
	if err := s.sync(ctx); err != nil {
		return false, err
	}
	if err := s.step(ctx, "sync"); err != nil {
		return false, err
	}
	progress("switch")
	// From here on finishing is the fastest way to a known state.
	ctx = context.WithoutCancel(ctx)
	if err := commit(ctx); err != nil {
		return false, err
	}
	if err := w.finish(ctx); err != nil {
		return true, fmt.Errorf("the new list of deployments is in effect, but: %w", err)
	}
	return true, nil
}

// sameEntries tells whether boot entries and boot loader can stay as they are.
func (w *writer) sameEntries() (bool, error) {
	settings, err := w.sysroot.entrySettings()
	if err != nil {
		return false, err
	}
	return slices.EqualFunc(w.old.deployments, w.list, func(a, b Deployment) bool {
		return sameBootConfig(a, b) && sameCounter(a.file, w.entryName(b, settings))
	}), nil
}

// number gives each deployment its index, and a serial among those that share a boot checksum.
func number(list []Deployment) []Deployment {
	list = slices.Clone(list)
	serials := make(map[string]int)
	for i := range list {
		d := &list[i]
		d.Index, d.BootSerial = i, serials[d.BootChecksum]
		serials[d.BootChecksum]++
	}
	return list
}

// sameBootConfig reports whether two deployments look the same to a boot loader.
func sameBootConfig(a, b Deployment) bool {
	return a.BootChecksum == b.BootChecksum && slices.Equal(a.OverlayInitrds(), b.OverlayInitrds()) &&
		slices.Equal(a.Kargs, b.Kargs) && a.Version == b.Version && a.Stateroot == b.Stateroot
}

// sameCounter reports whether the boot counters of two entries are the same. An entry that stayed would
// pass its counter on to another deployment, and GRUB would skip that one.
func sameCounter(a, b bootentry.Name) bool {
	return a.Counted == b.Counted && a.TriesLeft == b.TriesLeft && a.TriesDone == b.TriesDone
}

// writer is one change of the list.
type writer struct {
	sysroot *Sysroot
	// old is the state without the staged deployment, which is staged if it stays.
	old    *state
	staged *Deployment
	// list is the new list; boot and sub say where it goes.
	list      []Deployment
	boot, sub int

	entries []*bootentry.Entry
	names   []bootentry.Name
	loader  bootloader.Bootloader
}

// protect writes the refs of the new list before it is in effect, beside those of the old one.
func (w *writer) protect(ctx context.Context) error {
	list := w.needed()
	both := slices.Concat(list, w.old.deployments)
	if err := w.sysroot.writeRefs(ctx, refSet{boot: w.boot, sub: w.sub, list: list, basesOf: both, keepOthers: true}); err != nil {
		return err
	}
	return w.sysroot.step(ctx, "protect")
}

// needed are the deployments whose commits must stay: the new list and the staged one.
func (w *writer) needed() []Deployment {
	if w.staged == nil {
		return w.list
	}
	return slices.Insert(slices.Clone(w.list), 0, *w.staged)
}

// prepareFarm makes the other link farm of the same boot version.
func (w *writer) prepareFarm(ctx context.Context) error {
	if err := w.makeFarm(); err != nil {
		return fmt.Errorf("link farm: %w", err)
	}
	return w.sysroot.step(ctx, "farm")
}

// switchFarm makes the other link farm effective.
func (w *writer) switchFarm(context.Context) error {
	if err := replaceLink(farmName(w.boot, w.sub), w.sysroot.farmLink(w.boot)); err != nil {
		return err
	}
	w.sysroot.after("swap")
	return nil
}

// prepareEntries makes the other set of boot entries: kernels, entries, link farm, boot loader.
func (w *writer) prepareEntries(ctx context.Context) error {
	s := w.sysroot
	if err := w.checkBoot(); err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"entries", w.makeEntries},
		{"farm", func(context.Context) error { return w.makeFarm() }},
		{"farm-link", func(context.Context) error { return replaceLink(farmName(w.boot, w.sub), s.farmLink(w.boot)) }},
		{"bootloader", func(ctx context.Context) error { return w.loader.Write(ctx, w.config()) }},
		{"loader-link", func(context.Context) error { return w.makeLoaderLink() }},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		if err := s.step(ctx, step.name); err != nil {
			return err
		}
	}
	return nil
}

// checkBoot finds out early what would fail late.
func (w *writer) checkBoot() error {
	if err := os.MkdirAll(w.sysroot.bootPath(), 0o755); err != nil {
		return err
	}
	var err error
	w.loader, err = w.sysroot.bootloader()
	return err
}

// bootloader returns the boot loader of the sysroot.
func (s *Sysroot) bootloader() (bootloader.Bootloader, error) {
	if s.opts.Bootloader != nil {
		return s.opts.Bootloader, nil
	}
	configured, _ := s.repo.ConfigValue("sysroot", "bootloader")
	boot := s.bootPath()
	if boot != s.bootPartition() {
		return s.fatBootloader(configured)
	}
	loader, err := bootloader.Select(boot, configured)
	if grub, ok := loader.(bootloader.GRUB); ok {
		grub.Generator = s.opts.GRUBGenerator
		loader = grub
	}
	return loader, err
}

// config is what the boot loader gets to know.
func (w *writer) config() bootloader.Config {
	c := bootloader.Config{
		Sysroot: w.sysroot.path, Boot: w.sysroot.bootPath(), Version: w.boot, Entries: w.entries, Names: w.names,
		After: w.sysroot.afterLoader,
	}
	if len(w.list) > 0 {
		c.Default = w.list[0].Path
	}
	return c
}

// makeLoaderLink makes the symbolic link whose renaming is the commit point. The link boot -> . lets
// paths begin with /boot whether that is a file system of its own or not.
func (w *writer) makeLoaderLink() error {
	boot := w.sysroot.bootPath()
	if err := os.Symlink(".", boot+"/boot"); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	if err := removeAll(boot + "/loader.tmp"); err != nil {
		return err
	}
	return os.Symlink(filepath.Base(w.sysroot.loaderDir(w.boot)), boot+"/loader.tmp")
}

// switchLoader makes the other set of boot entries effective.
func (w *writer) switchLoader(ctx context.Context) error {
	boot := w.sysroot.bootPath()
	if err := os.Rename(boot+"/loader.tmp", boot+"/loader"); err != nil {
		return err
	}
	w.sysroot.after("swap")
	return nil
}

// finish does what follows the commit point. All of it is repeated by later changes if it is cut
// short.
func (w *writer) finish(ctx context.Context) error {
	s := w.sysroot
	if err := s.sync(ctx); err != nil {
		return err
	}
	s.after("flush")
	if w.loader != nil {
		if err := w.loader.Finish(ctx, w.config()); err != nil {
			return fmt.Errorf("boot loader %s: %w", w.loader.Name(), err)
		}
	}
	if err := s.touch(); err != nil {
		return err
	}
	s.after("touch")
	list := w.needed()
	if err := s.writeRefs(ctx, refSet{boot: w.boot, sub: w.sub, list: list, basesOf: list}); err != nil {
		return err
	}
	s.after("refs")
	s.report(Written{
		Boot: w.boot, Sub: w.sub, Entries: w.boot != w.old.boot,
		Atomic: w.boot == w.old.boot || isAtomic(w.loader), Added: len(w.list) - len(w.old.deployments),
	})
	s.log.Info("deployments written", "boot", farmName(w.boot, w.sub), "entries", w.loader != nil, "count", len(w.list))
	return nil
}

// isAtomic tells whether a boot loader finds its new configuration by the switch alone. One that is
// not configured at all is not known to.
func isAtomic(loader bootloader.Bootloader) bool {
	b, ok := loader.(interface{ Atomic() bool })
	return ok && b.Atomic()
}

// replaceLink makes or atomically replaces a symbolic link.
func replaceLink(target, path string) error {
	tmp := path + ".tmp"
	if err := removeAll(tmp); err != nil {
		return err
	}
	if err := os.Symlink(target, tmp); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
