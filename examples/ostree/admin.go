package main

import (
	"context"
	"errors"
	"fmt"
)

func cmdAdmin() *command {
	return onSysroot(&command{
		name: "admin", orElse: "--print-current-dir", summary: "Commands for managing a host system booted with ostree",
		flags: func(f *flags) {
			f.Bool(new(bool), "print-current-dir", "", "")
			f.Hide("print-current-dir")
		},
		run: printCurrentDir,
		sub: []*command{
			cmdAdminBootComplete(),
			cmdAdminCleanup(),
			cmdAdminConfigDiff(),
			cmdAdminDeploy(),
			cmdAdminFinalizeStaged(),
			cmdAdminInitFS(),
			cmdAdminInstutil(),
			cmdAdminLockFinalization(),
			cmdAdminStaterootInit("os-init"),
			cmdAdminStaterootInit("stateroot-init"),
			cmdAdminPin(),
			cmdAdminPostCopy(),
			cmdAdminPrepareSoftReboot("prepare-soft-reboot"),
			cmdAdminPrepareSoftReboot("impl-prepare-soft-reboot"),
			cmdAdminSetOrigin(),
			cmdAdminStateOverlay(),
			cmdAdminStatus(),
			cmdAdminSwitch(),
			cmdAdminUndeploy(),
			cmdAdminSetDefault(),
			cmdAdminUnlock(),
			cmdAdminUpgrade(),
			cmdAdminKargs(),
		},
	})
}

func cmdAdminInstutil() *command {
	return &command{
		name: "instutil", hidden: true, summary: "Deprecated commands intended for installer programs",
		flags: sysrootFlag, sub: []*command{
			cmdAdminInstutilGRUB2(),
			cmdAdminInstutilSELinux(),
			cmdAdminInstutilSetKargs(),
		},
	}
}

func cmdAdminKargs() *command {
	return &command{name: "kargs", summary: "Change kernel arguments", flags: sysrootFlag, sub: []*command{
		cmdAdminKargsEditInPlace(),
	}}
}

// onSysroot makes a command of those that are about a sysroot.
func onSysroot(c *command) *command {
	own := c.flags
	c.noRepo = true
	c.flags = func(f *flags) {
		sysrootFlag(f)
		if own != nil {
			own(f)
		}
	}
	return c
}

func sysrootFlag(f *flags) {
	f.String(&f.e.sysrootPath, "sysroot", "", "PATH", "Create a new OSTree sysroot at PATH")
}

// printCurrentDir prints where the first deployment is.
func printCurrentDir(ctx context.Context, e *env, _ []string) error {
	s, err := e.openSysroot()
	if err != nil {
		return err
	}
	all, err := s.Deployments(ctx)
	switch {
	case err != nil:
		return err
	case len(all) == 0:
		return errors.New("Unable to find a deployment in sysroot")
	}
	e.println(all[0].Path)
	return nil
}

// requireStateroot is what commands ask for that deploy something: a system that is booted, or the
// name of a stateroot.
func requireStateroot(booted bool, stateroot, missing string) error {
	if booted || stateroot != "" {
		return nil
	}
	return fmt.Errorf("Not currently booted into an OSTree system and no %s", missing)
}
