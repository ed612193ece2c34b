package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// finalizeStagedCommand is what ostree-finalize-staged.service runs when the system shuts down.
func (a *app) finalizeStagedCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "finalize-staged",
		Short:  "Make the staged deployment effective, when the system shuts down",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			system, err := a.running(c.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, system.Close()) }()
			done, err := system.FinalizeStaged(c.Context())
			switch {
			case err != nil:
				return err
			case done.Locked:
				a.printf("The staged deployment is locked and stays as it is\n")
			case done.Deployment != nil:
				a.printf("The default is now %s\n", done.Deployment.Name())
			}
			return nil
		},
	}
}

// running opens the running system for a unit that has to wait for a change which is under way.
func (a *app) running(ctx context.Context) (*txn.System, error) {
	a.sysroot = "/"
	if a.Writable != nil {
		if err := a.Writable(a.sysroot); err != nil {
			return nil, err
		}
	}
	a.Options.Sysroot.LockTimeout = -1
	return a.system(ctx)
}
