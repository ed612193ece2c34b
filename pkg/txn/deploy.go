package txn

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

func (a *application) deployTitle() string {
	if a.plan.Stage {
		return "Staging deployment"
	}
	return "Deploying"
}

// deploy is the commit point of a change that makes a deployment. On a running system that waits for
// shutdown, so that it gets what /etc has become by then.
func (a *application) deploy(ctx context.Context, _ *step.Task) error {
	options, err := a.deployOptions(ctx)
	if err != nil {
		return err
	}
	if a.checkout != nil {
		options.Checkout = a.checkout.Dir
	}
	remove, err := a.writeInitrd(&options)
	if err != nil {
		return err
	}
	defer remove()
	if err := a.plan.remember(); err != nil {
		return err
	}
	if a.plan.Stage {
		staged := deploy.StageOptions{DeployOptions: options, Locked: a.plan.Change.LockFinalization}
		a.deployment, err = a.system.sysroot.Stage(ctx, a.commit, a.plan.origin, staged)
		return err
	}
	a.deployment, err = a.system.sysroot.Deploy(ctx, a.commit, a.plan.origin, options)
	return err
}

func (a *application) deployOptions(ctx context.Context) (deploy.DeployOptions, error) {
	options := deploy.DeployOptions{Stateroot: a.plan.Stateroot}
	if len(a.plan.boot) == 0 {
		return options, nil
	}
	a.plan.kernelArguments(&options)
	merge, err := a.system.sysroot.MergeDeployment(ctx, a.plan.Stateroot)
	options.Merge = merge
	return options, err
}
