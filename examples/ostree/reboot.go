package main

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

func rebootFlags(f *flags, reboot, kexec *bool, help string) {
	f.Bool(reboot, "reboot", "r", help)
	f.Bool(kexec, "kexec", "k", "Stage new kernel in kexec before reboot")
}

// reboot restarts the system if that is asked for and if it is the one that was changed. With kexec
// systemd loads the kernel of the first boot entry and starts that.
func (e *env) reboot(ctx context.Context, s *deploy.Sysroot, asked, kexec bool) error {
	if !asked && !kexec {
		return nil
	}
	booted, err := bootedOf(ctx, s)
	if err != nil || booted == nil {
		return err
	}
	verb := "reboot"
	if kexec {
		verb = "kexec"
	}
	if out, err := exec.CommandContext(ctx, "systemctl", verb).CombinedOutput(); err != nil {
		return fmt.Errorf("systemctl %s: %w: %s", verb, err, out)
	}
	return nil
}
