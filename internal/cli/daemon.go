package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/internal/busapi"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// daemon connects to the daemon. It is nil where this process works itself: without a bus, on a sysroot that the
// user named, and with --peer. That the daemon does not answer is said, since it is not expected.
func (a *app) daemon(ctx context.Context) *busapi.Client {
	if a.Bus == "" || a.named("sysroot") || a.peer {
		return nil
	}
	client, err := busapi.Dial(ctx, a.Bus)
	if err != nil {
		fmt.Fprintf(a.Err, "note: the daemon does not answer (%v); this process works without it\n", err)
		return nil
	}
	return client
}

// named says whether an option was given.
func (a *app) named(flag string) bool {
	if a.chosen == nil {
		return false
	}
	f := a.chosen.Flags().Lookup(flag)
	return f != nil && f.Changed
}

// status asks the daemon, or looks itself. The policy of automatic updates is the daemon's.
func (a *app) status(ctx context.Context) (*txn.Status, busapi.Policy, error) {
	if client := a.daemon(ctx); client != nil {
		defer client.Close()
		status, err := client.Status(ctx)
		if err != nil {
			return nil, "", err
		}
		policy, err := client.AutomaticUpdatePolicy(ctx)
		return status, policy, err
	}
	system, err := a.system(ctx)
	if err != nil {
		return nil, "", err
	}
	defer system.Close()
	status, err := system.Status(ctx)
	return status, "", err
}

// changeByDaemon has the daemon make a change, with the output of a change in this process.
func (a *app) changeByDaemon(ctx context.Context, client *busapi.Client, change txn.Change, flags changeFlags, none string) error {
	defer client.Close()
	stop, err := a.attend(ctx)
	if err != nil {
		return err
	}
	defer stop()
	var plan *txn.Plan
	var live *txn.LivePlan
	var printed error
	listener := busapi.Listener{Report: a.changeReporter(flags), Live: func(p *txn.LivePlan) { live = p }, Plan: func(p *txn.Plan) {
		plan = p
		if flags.json {
			printed = json.NewEncoder(a.Out).Encode(p)
		} else if flags.preview == nil {
			a.printPlan(p)
		}
	}}
	files, err := a.localFiles(ctx, flags)
	defer func() {
		for _, list := range files {
			for _, f := range list {
				f.Close()
			}
		}
	}()
	if err != nil {
		return err
	}
	options := busapi.ChangeOptions{ApplyLive: flags.live && flags.preview == nil, RunOptions: busapi.RunOptions{
		DryRun: flags.dryRun || flags.preview != nil, Reboot: flags.reboot, Unpacker: flags.unpacker, CommandLine: a.actor().CommandLine,
	}}
	if err := client.Change(ctx, a.stateroot, change, options, files, listener); err != nil {
		return &changeError{change, err}
	}
	switch {
	case printed != nil:
		return printed
	case plan == nil:
		return errors.New("the daemon told no plan; see its log (journalctl -u apt-ostreed)")
	case flags.preview != nil:
		return flags.preview(plan)
	case live != nil && flags.json:
		return a.printJSON(live)
	case live != nil:
		a.printLive(live, liveFlags{})
		return nil
	case plan.Unchanged:
		return a.nothing(none, flags)
	case flags.dryRun:
		return a.dryRun(plan, flags)
	case change.DownloadOnly:
		a.downloaded(flags)
		return nil
	}
	if !flags.json && !flags.alone {
		a.printChanges(plan.Diff)
		a.printEnd(plan, flags)
	}
	return nil
}

// attend stays with what the daemon does: a password can be typed, and that it is canceled is said.
func (a *app) attend(ctx context.Context) (stop func(), err error) {
	stopAgent, err := a.agent(ctx)
	if err != nil {
		return nil, err
	}
	stopTelling := context.AfterFunc(ctx, func() { fmt.Fprintln(a.Err, "Caught SIGINT, cancelling transaction") })
	return func() {
		stopTelling()
		stopAgent()
	}, nil
}

// localFiles opens the packages that are given as files, for the daemon to read.
func (a *app) localFiles(ctx context.Context, flags changeFlags) (map[string][]*os.File, error) {
	files := map[string][]*os.File{}
	for key, names := range map[string][]string{busapi.InstallLocal: flags.files, busapi.OverrideReplaceLocal: flags.replacements} {
		for _, name := range names {
			f, err := a.localFile(ctx, name)
			if err != nil {
				return files, fmt.Errorf("%s: %w", name, err)
			}
			files[key] = append(files[key], f)
		}
	}
	return files, nil
}

// localFile opens one; what comes from elsewhere becomes a file without a name.
func (a *app) localFile(ctx context.Context, name string) (_ *os.File, err error) {
	r, err := a.openFile(ctx, name)
	if err != nil {
		return nil, err
	}
	if f, ok := r.(*os.File); ok {
		return f, nil
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	f, err := os.CreateTemp("", "apt-ostree-*.deb")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if _, err := io.Copy(f, r); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// automatic has the daemon do what its policy says.
func (a *app) automatic(ctx context.Context) error {
	client := a.daemon(ctx)
	if client == nil {
		return errors.New("automatic updates are made by the daemon, which is not there")
	}
	defer client.Close()
	enabled, err := client.AutomaticUpdate(ctx, a.stateroot, "auto", busapi.Listener{Report: a.reporter()})
	if err == nil && !enabled && !a.quiet {
		a.printf("Automatic updates are not enabled; exiting...\n")
	}
	return err
}

func (a *app) reloadCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "reload",
		Example: "  apt-ostree reload",
		Short:   "Have the daemon read its configuration and the system again",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			client := a.daemon(c.Context())
			if client == nil {
				return errors.New("there is no daemon to reload")
			}
			defer client.Close()
			return client.ReloadConfig(c.Context())
		},
	}
	a.sysrootFlags(c)
	return c
}

func (a *app) cancelCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "cancel",
		Short: "Cancel the change that the daemon makes",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			client := a.daemon(c.Context())
			if client == nil {
				return errors.New("there is no daemon to cancel anything")
			}
			defer client.Close()
			title, err := client.Cancel(c.Context())
			switch {
			case err != nil:
				return err
			case title == "":
				a.printf("No active transaction.\n")
			default:
				a.printf("Cancelling transaction: %s\n", title)
			}
			return nil
		},
	}
	a.sysrootFlags(c)
	return c
}

func (a *app) startDaemonCommand() *cobra.Command {
	var debug bool
	c := &cobra.Command{
		Use:    "start-daemon",
		Short:  "Be the daemon",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			args := []string{"--sysroot=" + a.sysroot}
			if debug {
				args = append(args, "--debug")
			}
			writable := a.Writable
			if writable == nil {
				writable = func(string) error { return nil }
			}
			code := busapi.Daemon(c.Context(), args, busapi.DaemonEnv{Err: a.Err, Getenv: a.Getenv, Writable: writable, Options: a.Options})
			if code != 0 {
				return exitCodeError(code)
			}
			return nil
		},
	}
	a.sysrootFlags(c)
	c.Flags().BoolVarP(&debug, "debug", "d", false, "log more")
	return c
}
