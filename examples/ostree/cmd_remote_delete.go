package main

import (
	"context"
	"errors"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func cmdRemoteDelete() *command {
	var ifExists bool
	var sysroot string
	return &command{
		name: "delete", operands: "NAME", summary: "Delete a remote repository",
		flags: func(f *flags) {
			f.Bool(&ifExists, "if-exists", "", "Do nothing if the provided remote does not exist")
			f.String(&sysroot, "sysroot", "", "PATH", "Use sysroot at PATH (overrides --repo)")
		},
		run: func(_ context.Context, e *env, args []string) error {
			repo, err := e.openRepoOrSysroot(sysroot)
			if err != nil {
				return err
			}
			if len(args) < 1 {
				return usagef("NAME must be specified")
			}
			err = repo.DeleteRemote(args[0])
			var missing *ostree.RemoteNotFoundError
			if ifExists && errors.As(err, &missing) {
				return nil
			}
			return err
		},
	}
}
