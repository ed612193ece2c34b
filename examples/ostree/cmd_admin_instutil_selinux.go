package main

import (
	"context"
	"errors"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/selinux"
)

func cmdAdminInstutilSELinux() *command {
	return onSysroot(&command{
		name: "selinux-ensure-labeled", operands: "[SUBPATH PREFIX]", summary: "Relabel all or part of a deployment",
		run: func(ctx context.Context, e *env, args []string) error {
			s, err := e.openWritable()
			if err != nil {
				return err
			}
			all, err := s.Deployments(ctx)
			switch {
			case err != nil:
				return err
			case len(all) == 0:
				return errors.New("Unable to find a deployment in sysroot")
			case len(args) == 1:
				return usagef("PREFIX must be specified")
			}
			dir, prefix := all[0].Path, ""
			if len(args) > 1 {
				dir, prefix = args[0], args[1]
			}
			policy, err := selinux.Open(all[0].Path)
			if errors.Is(err, selinux.ErrNoPolicy) {
				e.printf("No SELinux policy found in deployment '%s'\n", all[0].Path)
				return nil
			}
			if err != nil {
				return err
			}
			e.printf("Relabeling using policy '%s'\n", policy.Name())
			return deploy.EnsureLabels(ctx, policy, dir, prefix, func(file, as, label string) {
				e.printf("Set label of '%s' (as '%s') to '%s'\n", file, as, label)
			})
		},
	})
}
