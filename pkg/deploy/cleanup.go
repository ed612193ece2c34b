package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// CleanupReport says what a cleanup removed.
type CleanupReport struct {
	// Deployments are the names of removed deployments, "STATEROOT/CHECKSUM.SERIAL".
	Deployments []string
	// Objects and Freed are the number and the size in bytes of removed objects of the repository.
	Objects int
	Freed   int64
}

// Cleanup removes what no deployment in the list needs: other deployments, kernels, old boot entries
// and what crashes left; then it prunes the repository down to the commits of its refs, without
// their parents. It is "ostree admin cleanup". A deployment that cannot be removed does not keep the
// rest from being cleaned up; the report is then not nil.
func (s *Sysroot) Cleanup(ctx context.Context) (*CleanupReport, error) {
	return s.cleanup(ctx, true)
}

// CleanupFiles is [Sysroot.Cleanup] without pruning the repository ("ostree admin deploy --no-prune").
// Commits that are needed still, though nothing refers to them, survive it.
func (s *Sysroot) CleanupFiles(ctx context.Context) (*CleanupReport, error) {
	return s.cleanup(ctx, false)
}

func (s *Sysroot) cleanup(ctx context.Context, prune bool) (*CleanupReport, error) {
	unlock, err := s.hold(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	report, err := s.cleanupLocked(ctx, prune)
	if err != nil {
		return report, fmt.Errorf("clean up: %w", err)
	}
	return report, nil
}

func (s *Sysroot) cleanupLocked(ctx context.Context, prune bool) (*CleanupReport, error) {
	st, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	removed, left := s.clean(ctx, st)
	if ctx.Err() != nil || !prune {
		return &CleanupReport{Deployments: removed}, left
	}
	pruned, err := s.repo.Prune(ctx, ostree.PruneOptions{RefsOnly: true})
	if err != nil {
		return nil, errors.Join(left, err)
	}
	if err := s.step(ctx, "prune"); err != nil {
		return nil, errors.Join(left, err)
	}
	return &CleanupReport{Deployments: removed, Objects: pruned.Deleted, Freed: pruned.Freed}, left
}

// clean removes everything that is not in effect, except objects of the repository. It returns the
// removed deployments.
func (s *Sysroot) clean(ctx context.Context, st *state) ([]string, error) {
	if err := s.finishLoader(ctx, st); err != nil {
		return nil, err
	}
	if err := s.cleanVersions(st); err != nil {
		return nil, err
	}
	if err := s.step(ctx, "clean-versions"); err != nil {
		return nil, err
	}
	removed, left := s.cleanDeployments(ctx, st)
	if err := s.cleanBoot(st); err != nil {
		return removed, errors.Join(left, err)
	}
	if err := s.step(ctx, "clean-boot"); err != nil {
		return removed, errors.Join(left, err)
	}
	if err := s.writeRefs(ctx, refSet{boot: st.boot, sub: st.sub, list: st.deployments, basesOf: st.deployments}); err != nil {
		return removed, errors.Join(left, err)
	}
	return removed, errors.Join(left, s.step(ctx, "clean-refs"))
}

// finishLoader makes sure that the boot loader uses what is in effect before anything else goes: a
// crash may have kept it from that.
func (s *Sysroot) finishLoader(ctx context.Context, st *state) error {
	loader, err := s.bootloader()
	if _, ok := errors.AsType[*bootloader.UnsupportedError](err); ok {
		return nil // It has not been configured from here either.
	}
	if err != nil {
		return err
	}
	if len(notStaged(st.deployments)) == 0 {
		return nil
	}
	if err := loader.Finish(ctx, s.loaderConfig(st)); err != nil {
		return fmt.Errorf("boot loader %s: %w", loader.Name(), err)
	}
	return nil
}

// loaderConfig is what the boot loader got to know of what is in effect.
func (s *Sysroot) loaderConfig(st *state) bootloader.Config {
	c := bootloader.Config{Sysroot: s.path, Boot: s.bootPath(), Version: st.boot, After: s.afterLoader}
	for _, d := range notStaged(st.deployments) {
		c.Entries, c.Names = append(c.Entries, d.entry), append(c.Names, d.file)
	}
	if list := notStaged(st.deployments); len(list) > 0 {
		c.Default = list[0].Path
	}
	return c
}

// cleanVersions removes the three of four link farms that are not in effect, the other boot entries,
// and links that were not renamed.
func (s *Sysroot) cleanVersions(st *state) error {
	other := 1 - st.boot
	for _, path := range []string{
		s.loaderDir(other), s.farmLink(other), s.farmDir(other, 0), s.farmDir(other, 1), s.farmDir(st.boot, 1-st.sub),
		filepath.Join(s.bootPath(), "loader.tmp"), s.farmLink(0) + ".tmp", s.farmLink(1) + ".tmp",
	} {
		if err := removeAll(path); err != nil {
			return err
		}
	}
	return nil
}

// cleanDeployments removes deployments that are not in the list, and files of deployments that are
// gone. One that cannot be removed does not keep the others.
func (s *Sysroot) cleanDeployments(ctx context.Context, st *state) ([]string, error) {
	listed := make(map[string]bool)
	for _, d := range st.deployments {
		listed[d.Path] = true
	}
	names, err := s.Stateroots()
	if err != nil {
		return nil, err
	}
	var removed []string
	var failed []error
	for _, stateroot := range names {
		for _, name := range s.traces(stateroot) {
			d := Deployment{Stateroot: stateroot}
			d.Checksum, d.Serial, _ = parseDeploymentName(name)
			if listed[s.deploymentPath(d)] {
				continue
			}
			_, missing := os.Lstat(s.deploymentPath(d))
			if err := s.remove(d); err != nil {
				failed = append(failed, fmt.Errorf("deployment %s/%s: %w", stateroot, name, err))
				continue
			}
			if missing == nil {
				removed = append(removed, stateroot+"/"+name)
			}
			if err := s.step(ctx, "clean-deployment"); err != nil {
				return removed, err
			}
		}
	}
	return removed, errors.Join(failed...)
}

// traces returns the names of all deployments of a stateroot that have left anything on disk.
func (s *Sysroot) traces(stateroot string) []string {
	var names []string
	seen := make(map[string]bool)
	for _, dir := range []string{s.deployDir(stateroot), filepath.Join(s.path, "ostree/deploy", stateroot, "backing")} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // Neither has to exist.
		}
		for _, e := range entries {
			name := strings.TrimSuffix(e.Name(), ".origin")
			if _, _, ok := parseDeploymentName(name); ok && !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

// remove deletes a deployment from disk: the files beside it first, so that a crash never leaves
// them without it. The running system is never removed, whatever the list says.
func (s *Sysroot) remove(d Deployment) error {
	path := s.deploymentPath(d)
	h, err := s.readHost()
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err == nil && (h.isBooted(st) || (st.Dev == h.rootDevice && st.Ino == h.rootInode)) {
		return nil
	}
	for _, part := range []string{s.backingPath(d), s.originPath(d), path} {
		if err := removeAll(part); err != nil {
			return err
		}
	}
	return nil
}

// cleanBoot removes kernels and additional initrds that no entry needs, be it one of another system.
func (s *Sysroot) cleanBoot(st *state) error {
	boot := filepath.Join(s.bootPath(), "ostree")
	needed, err := s.neededByOthers(st.boot)
	if err != nil {
		return fmt.Errorf("entries of others: %w", err)
	}
	for _, d := range st.deployments {
		needed[filepath.Base(bootDir(d))] = true
		for _, overlay := range d.entry.Overlays() {
			needed[filepath.Base(overlay)] = true
		}
	}
	dirs, err := os.ReadDir(boot)
	if err != nil && !isMissing(err) {
		return err
	}
	for _, e := range dirs {
		if _, _, ok := cutChecksum(e.Name()); !ok || !e.IsDir() || needed[e.Name()] {
			continue
		}
		if err := removeAll(filepath.Join(boot, e.Name())); err != nil {
			return err
		}
	}
	overlays, err := os.ReadDir(filepath.Join(s.bootPath(), overlayDir))
	if err != nil && !isMissing(err) {
		return err
	}
	for _, e := range overlays {
		if !e.Type().IsRegular() || needed[e.Name()] {
			continue
		}
		if err := os.Remove(filepath.Join(s.bootPath(), overlayDir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
