package bootloader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
)

// SystemdBoot configures systemd-boot, which reads boot entries itself, but only those on the EFI
// system partition or the extended boot loader partition. Those have FAT, which has no links, so the
// entries there are copies of the ones in /boot, and so are the kernels.
//
// There is no switch of all entries at once. Each entry appears complete, by a rename, after the files
// that it names; the old ones leave after all new ones are there. Each set has a higher version than
// the one before, by which the boot loader sorts, so that at any moment the default is that of the old
// or of the new set. Entries of others are left alone.
//
// Boot counters are part of the names, ostree-SET.N+LEFT-DONE.conf, and systemd-boot counts there. SET
// is odd for loader.1 and even for loader.0, which tells after a crash whether a set belongs to what
// is in effect.
type SystemdBoot struct {
	// Path is where the partition is mounted that the boot loader reads.
	Path string
}

// Name returns "systemd-boot". libostree does not know it, and refuses a repository that has it as
// sysroot.bootloader: let it be detected.
func (SystemdBoot) Name() string { return "systemd-boot" }

// Partition returns Path: where kernels need room besides /boot.
func (s SystemdBoot) Partition() string { return s.Path }

const (
	// sortKey groups entries in the menu.
	sortKey = "ostree"
	// notYet ends the name of an entry that is not in effect.
	notYet = ".ostree-new"
	// copying ends the names of files that are being copied.
	copying = ".ostree-copy"
)

func (s SystemdBoot) entries() string { return filepath.Join(s.Path, "loader/entries") }

// Write copies kernels and makes the entries, under names that the boot loader does not see.
func (s SystemdBoot) Write(ctx context.Context, c Config) error {
	if err := os.MkdirAll(s.entries(), 0o755); err != nil {
		return err
	}
	sets, err := s.sets()
	if err != nil {
		return err
	}
	next := 1
	for _, name := range sets {
		if name.pending {
			if err := os.Remove(filepath.Join(s.entries(), name.file)); err != nil {
				return err
			}
			continue
		}
		next = max(next, name.set+1)
	}
	if next%2 != c.Version {
		next++
	}
	for i, e := range c.Entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.writeEntry(c, e, mirrorName{set: next, name: c.Names[i]}); err != nil {
			return err
		}
	}
	return s.sync()
}

// writeEntry copies what an entry names and then writes it.
func (s SystemdBoot) writeEntry(c Config, e *bootentry.Entry, name mirrorName) error {
	kernel, err := linux(e)
	if err != nil {
		return err
	}
	copied := e.Clone()
	copied.Set("sort-key", sortKey)
	copied.Set(bootentry.KeyVersion, fmt.Sprintf("%d.%d", name.set, name.name.Version))
	copied.Set(bootentry.KeyLinux, inPartition(kernel))
	files := append([]string{kernel}, initrds(e)...)
	if first := e.Get(bootentry.KeyInitrd); first != "" {
		var overlays []string
		for _, file := range e.Overlays() {
			overlays = append(overlays, inPartition(file))
		}
		copied.Set(bootentry.KeyInitrd, inPartition(first))
		copied.SetOverlays(overlays)
	}
	if tree := e.Get(bootentry.KeyDeviceTree); tree != "" {
		copied.Set(bootentry.KeyDeviceTree, inPartition(tree))
		files = append(files, tree)
	}
	copied.Delete(bootentry.KeyDTBDir) // The boot loader has no use for a directory.
	for _, file := range files {
		if err := copyToFAT(filepath.Join(c.Boot, inPartition(file)), filepath.Join(s.Path, inPartition(file))); err != nil {
			return err
		}
		c.step("write-copy")
	}
	text, err := copied.Bytes()
	if err != nil {
		return err
	}
	if err := writeToFAT(filepath.Join(s.entries(), name.String()+notYet), text); err != nil {
		return err
	}
	c.step("write-entry")
	return nil
}

// inPartition returns a path of an entry as it is in the partition.
func inPartition(file string) string { return path.Clean("/" + strings.TrimPrefix(file, "/boot/")) }

// Finish makes the new entries visible and removes the old ones, then what no entry names.
func (s SystemdBoot) Finish(_ context.Context, c Config) error {
	names, err := s.sets()
	if err != nil {
		return err
	}
	current := 0
	for _, name := range names {
		if name.set%2 == c.Version {
			current = max(current, name.set)
		}
	}
	if current == 0 {
		return nil // The entries in /boot are not from here.
	}
	for _, name := range names {
		if name.set == current && name.pending {
			if err := os.Rename(filepath.Join(s.entries(), name.file), filepath.Join(s.entries(), name.String())); err != nil {
				return err
			}
			c.step("finish-show")
		}
	}
	if err := s.sync(); err != nil {
		return err
	}
	for _, name := range names {
		if name.set != current {
			if err := os.Remove(filepath.Join(s.entries(), name.file)); err != nil {
				return err
			}
			c.step("finish-retire")
		}
	}
	if err := s.removeKernels(c); err != nil {
		return err
	}
	return s.sync()
}

// removeKernels removes the copies that no entry names, neither one of the new ones nor one of another tool: the
// partition may be that of several systems. FAT takes names that only differ in case for the same.
func (s SystemdBoot) removeKernels(c Config) error {
	entries, _, err := bootentry.ReadDir(s.entries())
	if err != nil {
		return nil //nolint:nilerr // what an entry names that cannot be read is not known, so all of it stays
	}
	needed := make(map[string]bool)
	for _, e := range append(entries, c.Entries...) {
		for _, file := range e.Files() {
			needed[strings.ToLower(inPartition(file))] = true
		}
	}
	copies, err := filepath.Glob(filepath.Join(s.Path, "ostree/*/*"))
	if err != nil {
		return err
	}
	for _, file := range copies {
		if needed[strings.ToLower(strings.TrimPrefix(file, filepath.Clean(s.Path)))] {
			continue
		}
		if info, err := os.Lstat(file); err != nil || info.IsDir() {
			continue // A directory is not from here.
		}
		if err := os.Remove(file); err != nil {
			return err
		}
		// The directory leaves with the last file in it.
		if err := os.Remove(filepath.Dir(file)); err != nil && !errors.Is(err, unix.ENOTEMPTY) {
			return err
		}
		c.step("finish-drop")
	}
	return nil
}

func (s SystemdBoot) sync() error {
	dir, err := os.Open(s.Path)
	if err != nil {
		return err
	}
	return errors.Join(fsx.SyncFS(dir), dir.Close())
}

// mirrorName is the name of an entry in the partition.
type mirrorName struct {
	set  int
	name bootentry.Name
	// file is what it is called now, with an ending if it is pending.
	file    string
	pending bool
}

// String returns ostree-SET.N[+LEFT[-DONE]].conf.
func (m mirrorName) String() string {
	return strings.Replace(bootentry.Name{
		Version: m.name.Version, Counted: m.name.Counted, TriesLeft: m.name.TriesLeft, TriesDone: m.name.TriesDone,
	}.String(), "ostree-", fmt.Sprintf("ostree-%d.", m.set), 1)
}

// parseMirrorName reads such a name; false for one of another tool.
func parseMirrorName(file string) (mirrorName, bool) {
	base, pending := strings.CutSuffix(file, notYet)
	set, rest, ok := strings.Cut(strings.TrimPrefix(base, "ostree-"), ".")
	number, err := strconv.Atoi(set)
	if !ok || err != nil || number < 1 || !strings.HasPrefix(base, "ostree-") {
		return mirrorName{}, false
	}
	name, ok := bootentry.ParseName("ostree-" + rest)
	return mirrorName{set: number, name: name, file: file, pending: pending}, ok
}

// sets returns the names of our entries in the partition.
func (s SystemdBoot) sets() ([]mirrorName, error) {
	files, err := os.ReadDir(s.entries())
	if err != nil {
		return nil, ignoreMissing(err)
	}
	var names []mirrorName
	for _, file := range files {
		if name, ok := parseMirrorName(file.Name()); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// copyToFAT copies a file unless it is there. Its name has its checksum, so it never changes.
func copyToFAT(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	if have, err := os.Stat(to); err == nil && have.Size() == info.Size() {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	tmp := to + copying
	dst, err := os.Create(tmp)
	if err != nil {
		return err
	}
	if err := errors.Join(fsx.CopyFile(dst, src), dst.Sync(), dst.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return os.Rename(tmp, to)
}

// writeToFAT writes a file whose name is not in use.
func writeToFAT(path string, text []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
