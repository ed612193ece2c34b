// Command ostree is a drop-in for libostree's command line, written over
// pkg/ostree: the same commands, options, texts and exit codes. It shows how
// each command of a program is a few calls of the library, and it is what
// libostree's own test suite runs against.
//
//	ostree --repo=REPO init --mode=archive
//	ostree --repo=REPO commit -b exampleos/x86_64/standard DIRECTORY
//	ostree --repo=REPO refs
//
// One file holds one command: cmd_NAME.go. What every command shares is in
// command.go (the tree of commands), run.go (which of them to run), flags.go
// (options), env.go (everything a command has of the world outside), errors.go
// (the peer's texts for the library's errors) and format.go (sizes and dates).
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	code := run(ctx, newEnv(os.Stdin, os.Stdout, os.Stderr, os.LookupEnv), os.Args[1:])
	stop()
	os.Exit(code)
}
