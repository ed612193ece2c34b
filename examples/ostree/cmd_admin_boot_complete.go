package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

// bootComplete are the options of admin boot-complete.
type bootComplete struct {
	checks        string
	reboot, kexec bool
}

// cmdAdminBootComplete is what ostree-boot-complete.service runs. That it can assess the boot as well
// is no part of libostree.
func cmdAdminBootComplete() *command {
	o := new(bootComplete)
	return onSysroot(&command{
		name: "boot-complete", hidden: true, summary: "Internal command to run at boot after an update was applied",
		flags: func(f *flags) {
			f.String(&o.checks, "health-checks", "", "DIR", "Run the programs in DIR, and give the deployment up if one fails as often as it may")
			rebootFlags(f, &o.reboot, &o.kexec, "Reboot if the deployment does not work")
		},
		run: func(ctx context.Context, e *env, _ []string) error {
			s, err := e.openWritable()
			if err != nil {
				return err
			}
			err = s.BootComplete(ctx)
			if failed, ok := errors.AsType[*deploy.FinalizeError](err); ok {
				err = fmt.Errorf("ostree-finalize-staged.service failed on previous boot: %s", failed.Text)
			}
			if o.checks == "" {
				return err
			}
			return errors.Join(err, o.assess(ctx, e, s))
		},
	})
}

func (o *bootComplete) assess(ctx context.Context, e *env, s *deploy.Sysroot) error {
	checks, err := deploy.HealthPrograms(o.checks)
	if err != nil {
		return err
	}
	a, err := s.AssessBoot(ctx, checks)
	if err != nil {
		return err
	}
	if a.Failed != nil {
		e.printf("Deployment %s was given up; %s is the default now\n", a.Failed.Name(), a.Default.Name())
	}
	switch {
	case a.Good:
		e.println("Boot is good")
		return nil
	case a.Failed != nil && !a.Reboot:
		return nil // It runs what it should.
	case a.Reboot:
		err = e.reboot(ctx, s, o.reboot, o.kexec)
	}
	return errors.Join(fmt.Errorf("Boot is bad: %s (%d tries left)", a.Reason, a.TriesLeft), err)
}
