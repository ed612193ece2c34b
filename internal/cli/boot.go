package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

// bootFlags are the options about when a change takes effect.
type bootFlags struct {
	reboot bool
	locked bool
}

// addReboot adds --reboot.
func (f *bootFlags) addReboot(c *cobra.Command) {
	c.Flags().BoolVarP(&f.reboot, "reboot", "r", false, "reboot when the change is complete")
}

// addBoot adds what every command that makes a deployment has.
func (f *bootFlags) addBoot(c *cobra.Command) {
	f.addReboot(c)
	c.Flags().BoolVar(&f.locked, "lock-finalization", false, "keep the new deployment from taking effect until finalize-deployment")
}

// checkBoot refuses to reboot another system than that which runs.
func (a *app) checkBoot(flags changeFlags) error {
	switch {
	case flags.live && a.sysroot != "/" && a.sysroot != "/sysroot":
		return errors.New("--apply-live is for the running system, and --sysroot=" + a.sysroot + " is another one")
	case !flags.reboot:
		return nil
	case flags.dryRun || flags.preview != nil:
		return errors.New("--reboot cannot be used together with --dry-run, --check or --preview")
	case a.sysroot != "/" && a.sysroot != "/sysroot":
		return errors.New("--reboot is for the running system, and --sysroot=" + a.sysroot + " is another one")
	}
	return nil
}

// reboot restarts the running system.
func (a *app) reboot(ctx context.Context) error {
	if a.Reboot == nil {
		return errors.New("this program cannot reboot the system; run \"systemctl reboot\"")
	}
	return a.Reboot(ctx)
}

// unit is the systemd unit that the program runs in, "" if it is none.
func (a *app) unit() string {
	if a.Unit == nil {
		return ""
	}
	return a.Unit()
}
