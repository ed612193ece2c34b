package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// adminUpgrade are the options of admin upgrade.
type adminUpgrade struct {
	stateroot, override  string
	reboot, kexec        bool
	older                bool
	pullOnly, deployOnly bool
	stage                bool
}

func cmdAdminUpgrade() *command {
	o := new(adminUpgrade)
	return onSysroot(&command{
		name: "upgrade", summary: "Construct new tree from current origin and deploy it, if it changed",
		flags: func(f *flags) {
			staterootFlag(f, &o.stateroot)
			rebootFlags(f, &o.reboot, &o.kexec, "Reboot after a successful upgrade")
			f.Bool(&o.older, "allow-downgrade", "", "Permit deployment of chronologically older trees")
			f.String(&o.override, "override-commit", "", "CHECKSUM", "Deploy CHECKSUM instead of the latest tree")
			f.Bool(&o.pullOnly, "pull-only", "", "Do not create a deployment, just download")
			f.Bool(&o.deployOnly, "deploy-only", "", "Do not pull, only deploy")
			f.Bool(&o.stage, "stage", "", "Enable staging (finalization at reboot time)")
		},
		run: func(ctx context.Context, e *env, _ []string) error {
			s, err := e.lockSysroot(ctx)
			if err != nil {
				return err
			}
			switch {
			case o.pullOnly && o.deployOnly:
				return errors.New("Cannot simultaneously specify --pull-only and --deploy-only")
			case o.pullOnly && (o.reboot || o.kexec):
				return errors.New("Cannot simultaneously specify --pull-only and --reboot or --kexec")
			}
			return o.run(ctx, e, s)
		},
	})
}

func (o *adminUpgrade) run(ctx context.Context, e *env, s *deploy.Sysroot) error {
	u, err := o.upgrader(ctx, s)
	if err != nil {
		return err
	}
	changed, err := e.pullUpgrade(ctx, u, deploy.UpgradePullOptions{AllowOlder: o.older, NoFetch: o.deployOnly})
	if err != nil {
		if o.pullOnly { // what was pulled in between is of no use
			_, cleanupErr := s.Cleanup(ctx)
			err = errors.Join(err, cleanupErr)
		}
		return err
	}
	switch {
	case !changed:
		e.println("No update available.")
		return nil
	case o.pullOnly:
		return nil
	}
	if err := e.deployUpgrade(ctx, s, u, o.stage); err != nil {
		return err
	}
	return e.reboot(ctx, s, o.reboot, o.kexec)
}

func (o *adminUpgrade) upgrader(ctx context.Context, s *deploy.Sysroot) (*deploy.Upgrader, error) {
	booted, err := bootedOf(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := requireStateroot(booted != nil, o.stateroot, "OS specified"); err != nil {
		return nil, err
	}
	opts := deploy.UpgraderOptions{Stateroot: o.stateroot}
	if o.override != "" {
		if opts.Override, err = ostree.ParseChecksum(o.override); err != nil {
			return nil, fmt.Errorf("Invalid rev %s", o.override)
		}
	}
	return s.Upgrader(ctx, opts)
}

// pullUpgrade pulls with the line that shows how far it is.
func (e *env) pullUpgrade(ctx context.Context, u *deploy.Upgrader, opts deploy.UpgradePullOptions) (bool, error) {
	console := newPullConsole(e)
	opts.Pull.Fetch = e.fetchOptions("")
	opts.Pull.Progress = console.progress
	changed, err := u.Pull(ctx, opts)
	console.clear()
	return changed, err
}

// deployUpgrade deploys what was pulled, at once or at shutdown.
func (e *env) deployUpgrade(ctx context.Context, s *deploy.Sysroot, u *deploy.Upgrader, stage bool) error {
	if stage || e.getenv("OSTREE_EX_STAGE_DEPLOYMENTS") != "" {
		_, err := u.Stage(ctx, deploy.StageOptions{})
		return stageMessage(err)
	}
	if _, err := u.Deploy(ctx, deploy.DeployOptions{}); err != nil {
		return err
	}
	return e.cleanup(ctx, s)
}
