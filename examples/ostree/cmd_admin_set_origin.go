package main

import (
	"context"
	"errors"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func cmdAdminSetOrigin() *command {
	var set []string
	index := -1
	return onSysroot(&command{
		name: "set-origin", operands: "REMOTENAME URL [BRANCH]", summary: "Set Origin and create a new origin file",
		flags: func(f *flags) {
			f.Strings(&set, "set", "s", "KEY=VALUE", "Set config option KEY=VALUE for remote")
			f.Int(&index, "index", "", "INDEX", "Operate on the deployment INDEX, starting from zero")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			s, err := e.lockSysroot(ctx)
			if err != nil {
				return err
			}
			if len(args) < 2 {
				return usagef("REMOTENAME and URL must be specified")
			}
			d, err := bootedOrAt(ctx, s, index)
			if err != nil {
				return err
			}
			if err := addOriginRemote(s, args[0], args[1], set); err != nil {
				return err
			}
			branch := ""
			if len(args) > 2 {
				branch = args[2]
			} else if branch, err = branchOf(*d); err != nil {
				return err
			}
			return s.SetOrigin(ctx, *d, origin.New(args[0]+":"+branch))
		},
	})
}

// bootedOrAt returns the running deployment, or the one with a number that is not negative.
func bootedOrAt(ctx context.Context, s *deploy.Sysroot, index int) (*deploy.Deployment, error) {
	if index >= 0 {
		return deploymentAt(ctx, s, index)
	}
	d, err := bootedOf(ctx, s)
	if d == nil && err == nil {
		err = deploy.ErrNotBooted
	}
	return d, err
}

// addOriginRemote adds a remote unless there is one of that name.
func addOriginRemote(s *deploy.Sysroot, name, url string, set []string) error {
	add := ostree.AddRemoteOptions{URL: url}
	for _, assignment := range set {
		key, value, ok := strings.Cut(assignment, "=")
		if !ok {
			return errors.New("Missing '=' in KEY=VALUE for --set")
		}
		add.Options = append(add.Options, ostree.RemoteOption{Key: key, Value: value})
	}
	err := s.Repo().AddRemote(name, add)
	if _, exists := errors.AsType[*ostree.RemoteExistsError](err); exists {
		return nil
	}
	return err
}

// branchOf returns the ref that a deployment follows.
func branchOf(d deploy.Deployment) (string, error) {
	if refspecOf(d) == "" {
		return "", errors.New("No host refspec found, branch is required")
	}
	ref, err := ostree.ParseRefspec(d.Origin.Refspec)
	return ref.Ref, err
}
