// Command apt-ostree composes, layers, deploys and inspects Debian and Ubuntu systems that are
// commits in an OSTree repository. See internal/cli for its commands.
package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/term"

	"github.com/apt-ostree/apt-ostree/internal/busapi"
	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/internal/mountns"
	"github.com/apt-ostree/apt-ostree/internal/systemd"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	code := cli.Main(ctx, os.Args[1:], cli.Env{
		Out: os.Stdout, Err: os.Stderr,
		OutTerminal: terminal(os.Stdout), ErrTerminal: terminal(os.Stderr), Getenv: os.Getenv,
		Writable: mountns.Writable, Bus: bus(), Reboot: systemd.Reboot, Unit: systemd.OwnUnit, Edit: edit, Ask: asker(),
		Options: txn.Options{Audit: cli.Journal},
	})
	stop()
	os.Exit(code)
}

// bus is where the daemon is that changes the running system; "" if no deployment runs.
func bus() string {
	if _, err := os.Stat("/run/ostree-booted"); err != nil {
		return ""
	}
	return busapi.SystemBus(os.Getenv)
}

// terminal gives the width of the terminal behind f, or 0 if there is none.
func terminal(f *os.File) int {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// asker is nil where nobody can answer. End of file is a no.
func asker() func(string) (bool, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	return func(question string) (bool, error) {
		fmt.Fprint(os.Stderr, question)
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		answer := strings.ToLower(strings.TrimSpace(line))
		return answer == "y" || answer == "yes", nil
	}
}

// edit starts the user's editor, which $VISUAL or $EDITOR names with its arguments, on a file.
func edit(ctx context.Context, path string) error {
	editor := cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR"), "vi")
	c := exec.CommandContext(ctx, "/bin/sh", "-c", editor+` "$1"`, editor, path)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	return c.Run()
}
