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

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
)

// UnlockMode is how /usr is made writable.
type UnlockMode string

const (
	// UnlockDevelopment loses the changes at the next boot.
	UnlockDevelopment UnlockMode = "development"
	// UnlockTransient does too, and leaves /usr read-only for all but those who remount it in a mount
	// namespace of their own.
	UnlockTransient UnlockMode = "transient"
	// UnlockHotfix keeps the changes, in this deployment only. The initramfs mounts them.
	UnlockHotfix UnlockMode = "hotfix"
)

// Unlock makes /usr of the running deployment writable by an overlay, "ostree admin unlock". The
// tree below stays as it is. For a hotfix it first makes a clone of the deployment to roll back to.
// Errors are [ErrNotBooted] and an [*UnlockedError].
func (s *Sysroot) Unlock(ctx context.Context, mode UnlockMode) error {
	unlock, err := s.hold(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	st, err := s.load(ctx)
	if err != nil {
		return err
	}
	d := st.booted()
	switch {
	case d == nil:
		return ErrNotBooted
	case d.Unlocked != "":
		return &UnlockedError{Name: d.Name(), State: d.Unlocked}
	}
	if mode == UnlockHotfix {
		err = s.unlockHotfix(ctx, st, *d)
	} else {
		err = s.unlockUntilReboot(*d, mode)
	}
	if err != nil {
		return fmt.Errorf("unlock %s: %w", d.Name(), err)
	}
	return s.touch()
}

// unlockUntilReboot mounts an overlay and notes that in /run.
func (s *Sysroot) unlockUntilReboot(d Deployment, mode UnlockMode) error {
	upper, work, err := s.makeUpper(d, mode)
	if err != nil {
		return err
	}
	if err := s.mountUsr(d, upper, work, mode == UnlockTransient); err != nil {
		return err
	}
	flag := filepath.Join(s.opts.runDir(), "ostree/deployment-state", d.Name(), "unlocked-"+string(mode))
	if err := os.MkdirAll(filepath.Dir(flag), 0o755); err != nil {
		return err
	}
	return fsx.WriteFile(flag, nil, 0o644)
}

// unlockHotfix makes the clone, mounts the overlay and notes that in the origin. When it cannot, everything is as
// it was.
func (s *Sysroot) unlockHotfix(ctx context.Context, st *state, d Deployment) error {
	o := d.Origin
	if o != nil {
		o = o.Derive()
	}
	if _, err := s.Deploy(ctx, d.Checksum, o, DeployOptions{Stateroot: d.Stateroot, Merge: &d, NotDefault: true}); err != nil {
		return fmt.Errorf("clone to roll back to: %w", err)
	}
	if err := s.mountHotfix(d); err != nil {
		return errors.Join(err, s.undoHotfix(context.WithoutCancel(ctx), st, d))
	}
	return s.editOrigin(context.WithoutCancel(ctx), d, func(o *origin.Origin) *origin.Origin {
		o.Unlocked = string(UnlockHotfix)
		return o
	})
}

func (s *Sysroot) mountHotfix(d Deployment) error {
	if err := setImmutable(d.Path, false); err != nil {
		return err
	}
	upper, work, err := s.makeUpper(d, UnlockHotfix)
	if err != nil {
		return err
	}
	return s.mountUsr(d, upper, work, false)
}

// undoHotfix removes the directories by which the initramfs would take the deployment for one with a hotfix, and
// the clone: deployments that had to go for it come back, as nothing is removed from disk before the next clean-up.
func (s *Sysroot) undoHotfix(ctx context.Context, before *state, d Deployment) error {
	var errs []error
	for _, dir := range []string{"/.usr-ovl-work", "/.usr-ovl-upper"} {
		errs = append(errs, removeAll(d.Path+dir))
	}
	if !s.opts.Mutable {
		errs = append(errs, setImmutable(d.Path, true))
	}
	list := slices.DeleteFunc(notStaged(before.deployments), func(d Deployment) bool {
		_, err := os.Lstat(d.Path)
		return err != nil
	})
	errs = append(errs, s.change(ctx, "undo the hotfix", func([]Deployment) ([]Deployment, error) { return list, nil }))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	_, err := s.CleanupFiles(ctx)
	return err
}

// makeUpper makes the directories of the overlay: in the deployment where the initramfs looks for a
// hotfix, otherwise empty ones beside it.
func (s *Sysroot) makeUpper(d Deployment, mode UnlockMode) (upper, work string, err error) {
	var usr unix.Stat_t
	if err := unix.Stat(d.Path+"/usr", &usr); err != nil {
		return "", "", &fs.PathError{Op: "stat", Path: d.Path + "/usr", Err: err}
	}
	upper, work = d.Path+"/.usr-ovl-upper", d.Path+"/.usr-ovl-work"
	if mode != UnlockHotfix {
		dir := filepath.Join(s.backingPath(d), "usr-transient")
		if err := removeAll(dir); err != nil {
			return "", "", err
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", "", err
		}
		upper, work = dir+"/upper", dir+"/work"
	}
	for _, dir := range []string{upper, work} {
		if err := mkdirMode(dir, fs.FileMode(usr.Mode&0o777)); err != nil {
			return "", "", err
		}
	}
	return upper, work, nil
}

// mountUsr mounts the overlay on the running system's /usr.
func (s *Sysroot) mountUsr(d Deployment, upper, work string, readOnly bool) error {
	return s.mountOverlay(d.Path+"/usr", upper, work, filepath.Join(s.opts.hostRoot(), "usr"), readOnly)
}
