package main

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
)

func cmdAdminConfigDiff() *command {
	var stateroot string
	return onSysroot(&command{
		name: "config-diff", summary: "Diff current /etc configuration versus default",
		flags: func(f *flags) { staterootFlag(f, &stateroot) },
		run: func(ctx context.Context, e *env, _ []string) error {
			s, err := e.openSysroot()
			if err != nil {
				return err
			}
			d, err := bootedOf(ctx, s)
			if err != nil {
				return err
			}
			if err := requireStateroot(d != nil, stateroot, "--os= argument given"); err != nil {
				return err
			}
			if stateroot != "" {
				if d, err = s.MergeDeployment(ctx, stateroot); err != nil {
					return err
				}
			}
			if d == nil {
				return &deploy.NoDeploymentError{Stateroot: stateroot}
			}
			changes, err := s.DiffEtc(ctx, *d)
			if err != nil {
				return err
			}
			printChanges(e, changes)
			return nil
		},
	})
}

// staterootFlag adds --os and its newer name.
func staterootFlag(f *flags, stateroot *string) {
	f.String(stateroot, "os", "", "STATEROOT", "Use a different operating system root than the current one")
	f.String(stateroot, "stateroot", "", "STATEROOT", "Use a different operating system root than the current one")
}

// printChanges lists what was modified, then what was removed, then what was added.
func printChanges(e *env, changes []etcmerge.Change) {
	for _, kind := range []etcmerge.Kind{etcmerge.Modified, etcmerge.Removed, etcmerge.Added} {
		for _, c := range changes {
			if c.Kind == kind {
				e.printf("%s    %s\n", kind.Letter(), c.Path)
			}
		}
	}
}

func countChanges(changes []etcmerge.Change) (modified, removed, added int) {
	for _, c := range changes {
		switch c.Kind {
		case etcmerge.Modified:
			modified++
		case etcmerge.Removed:
			removed++
		case etcmerge.Added:
			added++
		}
	}
	return modified, removed, added
}
