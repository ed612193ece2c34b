// Command stateroot-init makes a stateroot in a sysroot: the group of deployments that share one
// /var. A machine usually has one, named after the system that is installed. It is "ostree admin
// os-init" as a library call.
//
//	go run ./examples/stateroot-init SYSROOT NAME
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: stateroot-init SYSROOT NAME")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir, name string) (err error) {
	sysroot, err := deploy.Open(dir, deploy.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sysroot.Close()) }()

	switch err := sysroot.InitStateroot(ctx, name); {
	case errors.Is(err, fs.ErrExist):
		fmt.Println(name, "exists already")
	case err != nil:
		return err
	}
	stateroots, err := sysroot.Stateroots()
	if err != nil {
		return err
	}
	fmt.Println("stateroots:", stateroots)
	deployments, err := sysroot.Deployments(ctx)
	if err != nil {
		return err
	}
	fmt.Println("deployments:", len(deployments))
	return nil
}
