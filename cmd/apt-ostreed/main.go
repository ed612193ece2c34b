// Command apt-ostreed changes the running system for those who may not do it themselves: the D-Bus service
// org.aptostree.dev. See internal/busapi for what it does.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/apt-ostree/apt-ostree/internal/busapi"
	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/internal/mountns"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	code := busapi.Daemon(ctx, os.Args[1:], busapi.DaemonEnv{Err: os.Stderr, Getenv: os.Getenv, Writable: mountns.Writable, Options: txn.Options{Audit: cli.Journal}})
	stop()
	os.Exit(code)
}
