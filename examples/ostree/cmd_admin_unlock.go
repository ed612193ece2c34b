package main

import (
	"context"
	"errors"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

func cmdAdminUnlock() *command {
	var hotfix, transient bool
	return onSysroot(&command{
		name: "unlock", summary: "Make the current deployment mutable (as a hotfix or development)",
		flags: func(f *flags) {
			f.Bool(&hotfix, "hotfix", "", "Retain changes across reboots")
			f.Bool(&transient, "transient", "", "Mount overlayfs read-only by default")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			s, err := e.lockSysroot(ctx)
			if err != nil {
				return err
			}
			mode, text := deploy.UnlockDevelopment, "Development mode enabled.  A writable overlayfs is now mounted on /usr.\n"+
				"All changes there will be discarded on reboot."
			switch {
			case len(args) > 0:
				return usagef("This command takes no extra arguments")
			case hotfix && transient:
				return errors.New("Cannot specify both --hotfix and --transient")
			case hotfix:
				mode, text = deploy.UnlockHotfix, "Hotfix mode enabled.  A writable overlayfs is now mounted on /usr\n"+
					"for this booted deployment.  A non-hotfixed clone has been created\nas the non-default rollback target."
			case transient:
				mode, text = deploy.UnlockTransient, "A writable overlayfs is prepared for /usr, but is mounted read-only by default.\n"+
					"All changes there will be discarded on reboot."
			}
			if err := s.Unlock(ctx, mode); err != nil {
				return err
			}
			e.println(text)
			return nil
		},
	})
}
