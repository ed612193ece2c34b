package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// adminDeploy are the options of admin deploy.
type adminDeploy struct {
	opts                deploy.DeployOptions
	originFile          string
	noPrune             bool
	stage, locked       bool
	kargsProc, kargsNot bool
}

func cmdAdminDeploy() *command {
	o := new(adminDeploy)
	return onSysroot(&command{
		name: "deploy", operands: "REFSPEC", summary: "Checkout revision REFSPEC as the new default deployment",
		flags: o.flags,
		run: func(ctx context.Context, e *env, args []string) error {
			s, err := e.lockSysroot(ctx)
			if err != nil {
				return err
			}
			switch {
			case len(args) < 1:
				return usagef("REF/REV must be specified")
			case o.kargsProc && o.kargsNot:
				return usagef("Can't specify both --karg-proc-cmdline and --karg-none")
			case o.kargsNot && o.opts.EditKargs.DeleteIfPresent != nil:
				return usagef("Can't specify both --karg-none and --karg-delete")
			case o.opts.NoMerge && o.opts.EditKargs.DeleteIfPresent != nil:
				return usagef("Can't specify both --no-merge and --karg-delete")
			}
			return o.run(ctx, e, s, args[0])
		},
	})
}

func (o *adminDeploy) flags(f *flags) {
	staterootFlag(f, &o.opts.Stateroot)
	f.String(&o.originFile, "origin-file", "", "FILENAME", "Specify origin file")
	f.Bool(&o.noPrune, "no-prune", "", "Don't prune the repo when done")
	f.Bool(&o.opts.NoMerge, "no-merge", "", "Do not apply configuration (/etc and kernel arguments) from booted deployment")
	f.Bool(&o.opts.Retain.All, "retain", "", "Do not delete previous deployments")
	f.Bool(&o.stage, "stage", "", "Complete deployment at OS shutdown")
	f.Bool(&o.locked, "lock-finalization", "", "Prevent automatic deployment finalization on shutdown")
	f.Bool(&o.opts.Retain.Pending, "retain-pending", "", "Do not delete pending deployments")
	f.Bool(&o.opts.Retain.Rollback, "retain-rollback", "", "Do not delete rollback deployments")
	f.Bool(&o.opts.NotDefault, "not-as-default", "", "Append rather than prepend new deployment")
	f.Bool(&o.kargsProc, "karg-proc-cmdline", "", "Import current /proc/cmdline")
	f.Strings(&o.opts.EditKargs.Set, "karg", "", "NAME=VALUE",
		"Set kernel argument, like root=/dev/sda1; this overrides any earlier argument with the same name")
	f.Strings(&o.opts.EditKargs.Append, "karg-append", "", "NAME=VALUE",
		"Append kernel argument; useful with e.g. console= that can be used multiple times")
	f.Bool(&o.kargsNot, "karg-none", "", "Do not import kernel arguments")
	f.Strings(&o.opts.EditKargs.DeleteIfPresent, "karg-delete", "", "NAME=VALUE", "Delete kernel argument if exists")
	f.Strings(&o.opts.OverlayInitrds, "overlay-initrd", "", "FILE", "Overlay initramfs file")
}

func (o *adminDeploy) run(ctx context.Context, e *env, s *deploy.Sysroot, refspec string) error {
	booted, err := bootedOf(ctx, s)
	if err != nil {
		return err
	}
	if err := requireStateroot(booted != nil, o.opts.Stateroot, "--os= argument given"); err != nil {
		return fmt.Errorf("Looking for booted deployment: %w", err)
	}
	follows := origin.New(refspec)
	if o.originFile != "" {
		if follows, err = readOrigin(o.originFile); err != nil {
			return err
		}
	}
	c, err := s.Repo().Resolve(ctx, refspec)
	if err != nil {
		return err
	}
	switch {
	case o.kargsNot:
		o.opts.Kargs = kargs.Args{}
	case o.kargsProc:
		if o.opts.Kargs, err = runningKargs(); err != nil {
			return err
		}
	}
	if o.stage || o.locked {
		return o.stageCommit(ctx, s, c, follows)
	}
	if _, err := s.Deploy(ctx, c, follows, o.opts); err != nil {
		return err
	}
	if o.noPrune {
		_, err := s.CleanupFiles(ctx)
		return err
	}
	return e.cleanup(ctx, s)
}

func (o *adminDeploy) stageCommit(ctx context.Context, s *deploy.Sysroot, c ostree.Checksum, follows *origin.Origin) error {
	switch {
	case o.opts.Retain.Pending || o.opts.Retain.Rollback:
		return errors.New("--stage cannot currently be combined with --retain arguments")
	case o.opts.NotDefault:
		return errors.New("--stage cannot currently be combined with --not-as-default")
	}
	o.opts.Retain.All = false // all are retained until shutdown
	if _, err := s.Stage(ctx, c, follows, deploy.StageOptions{DeployOptions: o.opts, Locked: o.locked}); err != nil {
		return stageMessage(err)
	}
	_, err := s.CleanupFiles(ctx)
	return err
}

func readOrigin(path string) (*origin.Origin, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return origin.Parse(text)
}

// runningKargs are the kernel arguments of the running system.
func runningKargs() (kargs.Args, error) {
	text, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return nil, err
	}
	return kargs.FromProc(string(text)), nil
}

// cleanup removes what no deployment needs any more.
func (e *env) cleanup(ctx context.Context, s *deploy.Sysroot) error {
	report, err := s.Cleanup(ctx)
	if err != nil {
		return err
	}
	if report.Freed > 0 {
		e.printf("Freed objects: %s\n", formatSize(uint64(report.Freed)))
	}
	return nil
}
