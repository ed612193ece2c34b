package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// cmdAdminFinalizeStaged is what ostree-finalize-staged.service stops with.
func cmdAdminFinalizeStaged() *command {
	var hold bool
	return onSysroot(&command{
		name: "finalize-staged", hidden: true, summary: "Internal command to run at shutdown time",
		flags: func(f *flags) {
			f.Bool(&hold, "hold", "", "Hold /boot open during finalization")
			f.Hide("hold")
		},
		run: func(ctx context.Context, e *env, _ []string) error {
			if hold {
				return e.holdBoot(ctx)
			}
			s, err := e.openWritable()
			if err != nil {
				return err
			}
			if booted, err := bootedOf(ctx, s); err != nil || booted == nil {
				return errors.Join(err, errors.New("Not currently booted into an OSTree system"))
			}
			done, err := s.Finalize(ctx)
			switch {
			case err != nil:
				return err
			case done.Locked:
				e.println("Not finalizing; deployment is locked for finalization")
			case done.Deployment == nil:
				e.println("No deployment staged for finalization")
			}
			return nil
		},
	})
}

// holdBoot keeps /boot mounted, should it be mounted on demand, until the program is told to end.
func (e *env) holdBoot(ctx context.Context) error {
	s, err := e.openSysroot()
	if err != nil {
		return err
	}
	boot, err := os.Open(filepath.Join(s.Path(), "boot"))
	if err != nil {
		return err
	}
	<-ctx.Done()
	return boot.Close()
}

func cmdAdminLockFinalization() *command {
	var unlock bool
	return onSysroot(&command{
		name: "lock-finalization", hidden: true, summary: "Prevent automatic deployment finalization on shutdown",
		flags: func(f *flags) { f.Bool(&unlock, "unlock", "u", "Unlock finalization") },
		run: func(ctx context.Context, e *env, _ []string) error {
			s, err := e.lockSysroot(ctx)
			if err != nil {
				return err
			}
			changed, err := s.LockFinalization(ctx, !unlock)
			if err != nil {
				return err
			}
			switch {
			case !changed && unlock:
				e.println("Staged deployment is not locked for finalization")
			case !changed:
				e.println("Staged deployment is already locked for finalization")
			case unlock:
				e.println("Staged deployment is now queued to apply on shutdown")
			default:
				e.println("Staged deployment is locked for finalization")
			}
			return nil
		},
	})
}
