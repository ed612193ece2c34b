package main

import (
	"context"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

func cmdAdminPin() *command {
	var unpin bool
	return onSysroot(&command{
		name: "pin", operands: "INDEX",
		summary: "Change the \"pinning\" state of a deployment, INDEX can be >= 0 or one of booted, pending or rollback strings",
		flags:   func(f *flags) { f.Bool(&unpin, "unpin", "u", "Unset pin") },
		run: func(ctx context.Context, e *env, args []string) error {
			s, err := e.lockSysroot(ctx)
			if err != nil {
				return err
			}
			if len(args) < 1 {
				return usagef("INDEX must be specified")
			}
			for _, arg := range args {
				d, err := namedDeployment(ctx, s, arg)
				if err != nil {
					return err
				}
				if err := pin(ctx, e, s, *d, !unpin); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

func pin(ctx context.Context, e *env, s *deploy.Sysroot, d deploy.Deployment, on bool) error {
	changed, err := s.Pin(ctx, d, on)
	if err != nil {
		return err
	}
	is, state := "already", "pinned"
	if changed {
		is = "now"
	}
	if !on {
		state = "unpinned"
	}
	e.printf("Deployment %d is %s %s\n", d.Index, is, state)
	return nil
}

// namedDeployment finds a deployment by its number or by its state.
func namedDeployment(ctx context.Context, s *deploy.Sysroot, name string) (*deploy.Deployment, error) {
	is, ok := map[string]func(deploy.Deployment) bool{
		"booted":   func(d deploy.Deployment) bool { return d.Booted },
		"pending":  func(d deploy.Deployment) bool { return d.Pending },
		"rollback": func(d deploy.Deployment) bool { return d.Rollback },
	}[name]
	if !ok {
		index, err := parseIndex(name)
		if err != nil {
			return nil, err
		}
		return deploymentAt(ctx, s, index)
	}
	all, err := s.Deployments(ctx)
	if err != nil {
		return nil, err
	}
	if d := marked(all, is); d != nil {
		return d, nil
	}
	return nil, fmt.Errorf("Deployment type not found: %s", name)
}
