package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
)

// room finds out whether the kernels of the new list fit into /boot and into the partition of the boot
// loader, should that have one. If they only do once those of deployments are gone that the new list
// drops, it returns the list without them, which has to be written first: libostree's "early prune".
// J is the job of a deployment that is not checked out yet.
func (w *writer) room(ctx context.Context, j *job) (first []Deployment, err error) {
	if same, err := w.sameEntries(); same || err != nil {
		return nil, err
	}
	places := []string{w.sysroot.bootPath()}
	loader, err := w.sysroot.bootloader()
	if _, unsupported := errors.AsType[*bootloader.UnsupportedError](err); err != nil && !unsupported {
		return nil, err
	}
	if p, ok := loader.(partitioned); ok {
		places = append(places, p.Partition())
	}
	for _, place := range places {
		kept, err := w.roomIn(ctx, place, j)
		if err != nil {
			return nil, err
		}
		if kept != nil {
			first = kept
		}
	}
	return first, nil
}

// bootFiles are what else is made in /boot: directories, links and a configuration. Each deployment may have an entry and
// a directory besides.
const bootFiles = 8

// partitioned is a boot loader to which kernels are copied.
type partitioned interface{ Partition() string }

func (w *writer) roomIn(ctx context.Context, place string, j *job) (first []Deployment, err error) {
	have, err := freeSpace(place)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // It will be made, on the root file system.
	}
	if err != nil {
		return nil, err
	}
	need := demand{block: have.block}
	if !w.links(place) {
		for _, d := range w.list {
			if err := w.addKernel(ctx, &need, place, d, j); err != nil {
				return nil, err
			}
		}
	}
	if err := w.addOverlays(&need, place); err != nil {
		return nil, err
	}
	if need.bytes == 0 && !w.adds() {
		return nil, nil // Removing something must be possible where there is no room.
	}
	if need.bytes == 0 {
		need.bytes = slack / 4 // There are no kernels among it.
	} else {
		need.bytes += slack
	}
	need.inodes += bootFiles + 2*int64(len(w.list))
	short := w.sysroot.enough(place, need, have, w.old.removable(w.list))
	if short == nil {
		return nil, nil
	}
	kept := slices.DeleteFunc(slices.Clone(w.old.deployments), func(d Deployment) bool { return !slices.ContainsFunc(w.list, d.Same) })
	if w.sysroot.opts.NoEarlyPrune || len(kept) == 0 || len(kept) == len(w.old.deployments) {
		return nil, short
	}
	if have.bytes += w.freed(place, kept); w.sysroot.enough(place, need, have, nil) != nil {
		return nil, short
	}
	return kept, nil
}

// adds tells whether the new list has a deployment that the old one has not.
func (w *writer) adds() bool {
	return slices.ContainsFunc(w.list, func(d Deployment) bool { return !slices.ContainsFunc(w.old.deployments, d.Same) })
}

// links reports whether kernels are hard links there, which need no room.
func (w *writer) links(place string) bool {
	var a, b unix.Stat_t
	return unix.Stat(place, &a) == nil && unix.Stat(filepath.Join(w.sysroot.path, "ostree/repo"), &b) == nil && a.Dev == b.Dev
}

// addKernel counts the files of a kernel that are not there yet. Several deployments can share them.
func (w *writer) addKernel(ctx context.Context, need *demand, place string, d Deployment, j *job) error {
	dir := filepath.Join(place, bootDir(d))
	if _, err := os.Lstat(dir); err == nil {
		return nil
	}
	for _, other := range w.list[:d.Index] {
		if bootDir(other) == bootDir(d) {
			return nil
		}
	}
	tree, done, err := w.treeOf(ctx, d, j)
	if err != nil {
		return err
	}
	k, err := w.sysroot.kernelOf(ctx, tree, d.BootChecksum)
	if err != nil {
		return errors.Join(fmt.Errorf("deployment %s: %w", d.Name(), err), done())
	}
	for _, f := range k.files() {
		info, err := fs.Stat(tree, f.path)
		if err != nil {
			return errors.Join(err, done())
		}
		need.addFile(info.Size())
	}
	if k.dtbDir != "" && place == w.sysroot.bootPath() { // The boot loader of a partition has no use for it.
		if err := need.addTree(ctx, tree, k.dtbDir, true); err != nil {
			return errors.Join(err, done())
		}
	}
	return done()
}

// addOverlays counts the additional initrds that are not there yet. They are copied, whatever the file system.
func (w *writer) addOverlays(need *demand, place string) error {
	seen := make(map[string]bool)
	for _, d := range w.list {
		for _, sum := range d.OverlayInitrds() {
			target := filepath.Join(place, overlayDir, sum+".img")
			if _, err := os.Lstat(target); err == nil || seen[sum] {
				continue
			}
			seen[sum] = true
			source := filepath.Join(w.sysroot.bootPath(), overlayDir, sum+".img")
			if len(d.overlays) > 0 {
				source = filepath.Join(w.sysroot.stagedInitrds(), sum)
			}
			info, err := os.Stat(source)
			if err != nil {
				return fmt.Errorf("additional initrd of deployment %s: %w", d.Name(), err)
			}
			need.addFile(info.Size())
		}
	}
	return nil
}

// freed is what the kernels take that only dropped deployments have.
func (w *writer) freed(place string, kept []Deployment) int64 {
	var sum int64
	seen := make(map[string]bool)
	for _, d := range slices.Concat(kept, w.list) {
		seen[bootDir(d)] = true
	}
	for _, d := range w.old.deployments {
		if seen[bootDir(d)] {
			continue
		}
		seen[bootDir(d)] = true
		files, err := filepath.Glob(filepath.Join(place, bootDir(d), "*"))
		if err != nil {
			continue // Only a bad pattern is an error.
		}
		for _, file := range files {
			var st unix.Stat_t
			if unix.Stat(file, &st) == nil && st.Nlink == 1 {
				sum += st.Blocks * 512
			}
		}
	}
	return sum
}

// makeRoom writes the list without deployments whose kernels are in the way of the new ones.
func (s *Sysroot) makeRoom(ctx context.Context, st *state, w *writer) (*state, error) {
	first, err := w.room(ctx, nil)
	if err != nil || first == nil {
		return st, err
	}
	s.log.Info("not enough room for the new kernels: first removing deployments that go anyhow", "left", len(first))
	early := &writer{sysroot: s, old: w.old, staged: w.staged, list: number(first), boot: st.boot}
	if _, err := early.write(ctx, func(string) {}); err != nil {
		return nil, fmt.Errorf("make room: %w", err)
	}
	if st, err = s.load(ctx); err != nil {
		return nil, err
	}
	if err := s.cleanBoot(st); err != nil {
		return nil, err
	}
	if err := s.finishLoader(ctx, st); err != nil {
		return nil, err
	}
	return st, s.step(ctx, "early-prune")
}
