package main

import (
	"context"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

func cmdAdminInitFS() *command {
	var modern bool
	var epoch int
	return onSysroot(&command{
		name: "init-fs", operands: "PATH", summary: "Initialize a root filesystem",
		flags: func(f *flags) {
			f.Bool(&modern, "modern", "", "Only create /boot and /ostree")
			f.Int(&epoch, "epoch", "E", "EPOCH", "An integer value, defines initial state.  Must be in the range [0-2], inclusive.")
		},
		run: func(_ context.Context, e *env, args []string) error {
			switch {
			case len(args) < 1:
				return usagef("PATH must be specified")
			case epoch < 0 || epoch > 2:
				return fmt.Errorf("Invalid epoch: %d", epoch)
			case !isDir(args[0]):
				return &fs.PathError{Op: "opendir", Path: args[0], Err: unix.ENOENT}
			}
			s, err := deploy.Init(args[0], deploy.InitOptions{
				Modern: modern || epoch > 0, Private: epoch == 2, Options: deploy.Options{Repo: e.repoOptions()},
			})
			if err != nil {
				return err
			}
			return s.Close()
		},
	})
}
