package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
)

// agent lets a user without rights type the password that polkit asks for, when there is a terminal to ask at. The
// program comes with polkit; without it polkit asks elsewhere, or refuses.
func (a *app) agent(ctx context.Context) (stop func(), err error) {
	none := func() {}
	if a.ErrTerminal == 0 || os.Geteuid() == 0 {
		return none, nil
	}
	path, err := exec.LookPath("pkttyagent")
	if errors.Is(err, exec.ErrNotFound) {
		return none, nil
	}
	if err != nil {
		return none, err
	}
	ready, notify, err := os.Pipe()
	if err != nil {
		return none, err
	}
	defer ready.Close()
	agent := exec.CommandContext(context.WithoutCancel(ctx), path, "--process", strconv.Itoa(os.Getpid()), "--notify-fd", "3", "--fallback")
	agent.Stdin, agent.Stdout, agent.Stderr = os.Stdin, os.Stdout, os.Stderr
	agent.ExtraFiles = []*os.File{notify}
	err = agent.Start()
	notify.Close() // the agent has it
	if err != nil {
		return none, err
	}
	io.Copy(io.Discard, ready) //nolint:errcheck // it ends when the agent is there, or is not going to be
	return func() {
		agent.Process.Signal(os.Interrupt) //nolint:errcheck // it may be gone
		agent.Wait()                       //nolint:errcheck // how it ends matters to nobody
	}, nil
}
