package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

// healthDirs are where health checks are, those of the administrator before those of the image.
var healthDirs = []string{"/etc/apt-ostree/health.d", "/usr/lib/apt-ostree/health.d"}

// startLimit is how long a system may take to start.
const startLimit = 10 * time.Minute

// assessBootCommand is what apt-ostree-boot-complete.service runs.
func (a *app) assessBootCommand() *cobra.Command {
	var dirs []string
	var limit time.Duration
	var reboot bool
	c := &cobra.Command{
		Use:     "assess-boot",
		Example: "  apt-ostree assess-boot",
		Short:   "Find out whether the running deployment works, and give it up if it does not",
		Long: "Wait until the system has started, and find out whether the running deployment works: whether the units\n" +
			"that boot-complete.target requires do, and whether the programs in the directories of health checks exit\n" +
			"with 0. If not, it is tried again as often as its boot counter permits, and then the deployment before it\n" +
			"becomes the default; status tells why. apt-ostree-boot-complete.service does this at every boot.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			programs, err := deploy.HealthPrograms(dirs...)
			if err != nil {
				return err
			}
			return a.assessBoot(c.Context(), append([]deploy.HealthCheck{deploy.HealthUnits(limit)}, programs...), reboot)
		},
	}
	c.Flags().StringArrayVar(&dirs, "health-checks", healthDirs, "run the programs in this `DIRECTORY`; those in an earlier one replace others of the same name")
	c.Flags().DurationVar(&limit, "start-timeout", startLimit, "how long the system may take to start")
	c.Flags().BoolVarP(&reboot, "reboot", "r", false, "reboot to try again, or to get away from a deployment that was given up")
	return c
}

func (a *app) assessBoot(ctx context.Context, checks []deploy.HealthCheck, reboot bool) (err error) {
	system, err := a.running(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, system.Close()) }()
	result, err := system.AssessBoot(ctx, checks)
	if err != nil {
		return err
	}
	if result.Failed != nil {
		a.printf("Gave up deployment %s: %s\nThe default is now %s\n", result.Failed.Name(), result.Reason, result.Default.Name())
	}
	switch {
	case result.Good:
		a.printf("The deployment works\n")
		return nil
	case result.Failed != nil && !result.Reboot:
		return nil // what should run does
	case result.Reboot && reboot:
		err = a.reboot(ctx)
	}
	return errors.Join(fmt.Errorf("the deployment does not work: %s (tries left: %d)", result.Reason, result.TriesLeft), err)
}
