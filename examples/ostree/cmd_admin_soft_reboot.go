package main

import (
	"context"
	"fmt"
)

// notOfferedError says that a command of ostree is not here on purpose.
type notOfferedError struct {
	command, because, instead string
}

// Error names the command, the reason and the way out.
func (e *notOfferedError) Error() string {
	return fmt.Sprintf("%s is not offered: %s; %s", e.command, e.because, e.instead)
}

func cmdAdminPrepareSoftReboot(name string) *command {
	return onSysroot(&command{
		name: name, operands: "INDEX", hidden: true, summary: "Prepare a deployment for a soft reboot",
		flags: func(f *flags) {
			f.Bool(new(bool), "reboot", "", "Reboot into the prepared deployment")
			f.Bool(new(bool), "reset", "", "Undo what was prepared")
		},
		run: func(context.Context, *env, []string) error {
			return &notOfferedError{
				command: "ostree admin " + name,
				because: "the next root would have to be mounted by the ostree-prepare-root of the deployment, and that of Debian 12," +
					" libostree 2022.7, cannot",
				instead: "reboot",
			}
		},
	})
}
