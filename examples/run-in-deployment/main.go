// Command run-in-deployment runs a program of a deployment inside the sandbox: the deployment's
// tree read-only, the stateroot's /var, no network, no capabilities of the host.
//
//	run-in-deployment SYSROOT [INDEX] -- PROGRAM [ARGUMENT...]
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	if exit, ok := errors.AsType[*sandbox.ExitError](err); ok {
		os.Exit(exit.Code)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	dashes := slices.Index(args, "--")
	if dashes < 1 || dashes == len(args)-1 {
		return errors.New("usage: run-in-deployment SYSROOT [INDEX] -- PROGRAM [ARGUMENT...]")
	}
	index := 0
	if dashes > 1 {
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		index = n
	}
	sysroot, err := deploy.Open(args[0], deploy.Options{})
	if err != nil {
		return err
	}
	defer sysroot.Close()
	deployments, err := sysroot.Deployments(ctx)
	if err != nil {
		return err
	}
	if index < 0 || index >= len(deployments) {
		return fmt.Errorf("no deployment %d; there are %d", index, len(deployments))
	}
	jail, err := sandbox.New(ctx, sandbox.Options{})
	if err != nil {
		return err
	}
	d := deployments[index]
	return jail.Run(ctx, sandbox.Spec{
		Root: d.Path, ReadOnlyRoot: true, Argv: args[dashes+1:], Env: sandbox.DefaultEnv(time.Now()),
		Mounts: []sandbox.Mount{{Kind: sandbox.ROBind, Source: filepath.Join(filepath.Dir(filepath.Dir(d.Path)), "var"), Target: "/var"}},
		Stdout: os.Stdout, Stderr: os.Stderr,
	})
}
