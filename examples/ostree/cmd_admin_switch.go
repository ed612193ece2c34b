package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func cmdAdminSwitch() *command {
	var stateroot string
	var reboot, kexec bool
	return onSysroot(&command{
		name: "switch", operands: "REFSPEC", summary: "Construct new tree from REFSPEC and deploy it",
		flags: func(f *flags) {
			rebootFlags(f, &reboot, &kexec, "Reboot after switching trees")
			staterootFlag(f, &stateroot)
		},
		run: func(ctx context.Context, e *env, args []string) error {
			s, err := e.lockSysroot(ctx)
			if err != nil {
				return err
			}
			if len(args) < 1 {
				return usagef("REFSPEC must be specified")
			}
			booted, err := bootedOf(ctx, s)
			if err != nil {
				return err
			}
			if err := requireStateroot(booted != nil, stateroot, "OS specified"); err != nil {
				return err
			}
			if err := e.switchTo(ctx, s, stateroot, args[0]); err != nil {
				return err
			}
			return e.reboot(ctx, s, reboot, kexec)
		},
	})
}

func (e *env) switchTo(ctx context.Context, s *deploy.Sysroot, stateroot, to string) error {
	u, err := s.Upgrader(ctx, deploy.UpgraderOptions{Stateroot: stateroot, IgnoreUnconfigured: true})
	if err != nil {
		return err
	}
	have, err := ostree.ParseRefspec(u.Origin().Refspec)
	if err != nil {
		return err
	}
	next, err := switchRef(have, to)
	if err != nil {
		return err
	}
	if err := u.Follow(origin.New(next.String())); err != nil {
		return err
	}
	// Nothing says that one tree is newer than another.
	if _, err := e.pullUpgrade(ctx, u, deploy.UpgradePullOptions{AllowOlder: true}); err != nil {
		return err
	}
	if err := e.deployUpgrade(ctx, s, u, false); err != nil {
		return err
	}
	e.printf("Deleting ref '%s'\n", have)
	return s.Repo().Update(ctx, func(w *ostree.Writer) error { return w.DeleteRef(have) })
}

// switchRef reads what to switch to: "REMOTE:" keeps the ref, "REF" keeps the remote.
func switchRef(have ostree.Refspec, to string) (ostree.Refspec, error) {
	next := have
	if remote, only := strings.CutSuffix(to, ":"); only {
		next.Remote = remote
	} else {
		var err error
		if next, err = ostree.ParseRefspec(to); err != nil {
			return next, err
		}
		if next.Remote == "" {
			next.Remote = have.Remote
		}
	}
	if next == have {
		return next, fmt.Errorf("Old and new refs are equal: %s", next)
	}
	return next, nil
}
