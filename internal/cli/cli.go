// Package cli is the command line of apt-ostree: flags, text, JSON and exit codes over the
// packages below pkg/. One file per command; what a library user would miss does not live here.
//
// Text and JSON that scripts depend on are rpm-ostree's.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// Version is set by the build.
var Version = "0.1.0"

// Env is what the command line takes from the process it runs in.
type Env struct {
	Out, Err io.Writer
	// OutTerminal and ErrTerminal are the widths of the terminals behind Out and Err, 0 if none.
	OutTerminal, ErrTerminal int
	Getenv                   func(string) string
	// Writable, if set, makes sure that the process may write to a sysroot before that is opened. It may
	// have to start the program again.
	Writable func(sysroot string) error
	// Bus is the address of the message bus with the daemon that changes the running system; empty where
	// this process does so itself.
	Bus string
	// Reboot, if set, restarts the running system.
	Reboot func(context.Context) error
	// Ask, if set, puts a question to the user, who can say yes or no.
	Ask func(question string) (yes bool, err error)
	// Edit, if set, lets the user edit a file.
	Edit func(ctx context.Context, path string) error
	// Unit, if set, names the systemd unit that the process runs in, "" if it is none.
	Unit func() string
	// Options is the template for systems that are opened; tests fill in fakes.
	Options txn.Options
}

// The exit codes: [exitUnchanged] where an option asks to tell "nothing changed" apart.
const (
	exitError     = 1
	exitUnchanged = 77
	exitCanceled  = 130
)

// exitCodeError is an error that only sets the exit status.
type exitCodeError int

func (e exitCodeError) Error() string { return "exit status " + strconv.Itoa(int(e)) }

// app is one run of the command line.
type app struct {
	Env
	sysroot   string
	stateroot string
	quiet     bool
	verbose   bool
	args      []string
	progress  progressMode
	files     map[string]string // local packages, by the names that changes have for them
	peer      bool
	chosen    *cobra.Command // the command that was chosen
}

// Main runs the command line and returns the exit status: 0, 1 for errors, 77 for "unchanged"
// where asked for, 130 when canceled.
func Main(ctx context.Context, args []string, env Env) int {
	a := &app{Env: env, args: args}
	root := a.command() //nolint:contextcheck // the commands get it from ExecuteContext
	root.SetArgs(args)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	err := root.ExecuteContext(ctx)
	if code, ok := errors.AsType[exitCodeError](err); ok {
		return int(code)
	}
	if err == nil {
		return 0
	}
	a.printError(err)
	if txn.Classify(err) == txn.KindCanceled {
		return exitCanceled
	}
	return exitError
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "apt-ostree COMMAND",
		Short:         "Debian and Ubuntu systems as OSTree commits, with layered packages",
		Version:       Version,
		SilenceErrors: true,
		SilenceUsage:  true,

		PersistentPreRun: func(c *cobra.Command, _ []string) { a.chosen = c },
	}
	root.SetVersionTemplate("apt-ostree:\n Version: '{{.Version}}'\n Features:\n  - compose\n  - layering\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	flags := root.PersistentFlags()
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print no progress")
	a.progress = progressAuto
	flags.Var(&a.progress, "progress", "how to show progress on standard error: auto, json (an event on each line) or none")
	flags.BoolVar(&a.verbose, "debug", false, "log what is done to standard error")
	root.AddCommand(
		a.composeCommand(), a.deployCommand(), a.rebaseCommand(),
		a.kargsCommand(), a.initramfsCommand(), a.initramfsEtcCommand(), a.installCommand(), a.uninstallCommand(),
		a.upgradeCommand(), a.rollbackCommand(), a.finalizeCommand(), a.overrideCommand(), a.resetCommand(),
		a.statusCommand(), a.dbCommand(),
		a.reloadCommand(), a.cancelCommand(), a.startDaemonCommand(),
		a.searchCommand(), a.infoCommand(), a.listCommand(),
		a.assessBootCommand(), a.finalizeStagedCommand(), a.grubMenuCommand(),
	)
	root.AddCommand(a.deploymentCommands()...)
	root.AddCommand(a.queryCommands()...)
	return root
}

// sysrootFlags adds the options of every command that works on a system.
func (a *app) sysrootFlags(c *cobra.Command) {
	c.Flags().StringVar(&a.sysroot, "sysroot", "/", "work on the system below this `PATH`")
	c.Flags().BoolVar(&a.peer, "peer", false, "work without the daemon")
	c.Flags().StringVar(&a.stateroot, "stateroot", "", "work on this stateroot (default: that of the booted or first deployment)")
	c.Flags().StringVar(&a.stateroot, "os", "", "the same as --stateroot")
	hide(c, "os")
}

func hide(c *cobra.Command, flag string) {
	if err := c.Flags().MarkHidden(flag); err != nil {
		panic(err) // the flag was defined in the lines above
	}
}

// system opens the system that the flags name.
func (a *app) system(ctx context.Context) (*txn.System, error) {
	opts := a.Options
	opts.Stateroot = a.stateroot
	opts.Logger = a.logger()
	timestamp, err := a.timestamp()
	if err != nil {
		return nil, err
	}
	opts.Timestamp = timestamp
	return txn.Open(ctx, a.sysroot, opts)
}

// archives opens the system for a question about what its archives offer. What is fetched for that is kept, below
// /sysroot.
func (a *app) archives(ctx context.Context) (*txn.System, error) {
	if a.Writable != nil {
		if err := a.Writable(a.sysroot); err != nil {
			return nil, err
		}
	}
	return a.system(ctx)
}

func (a *app) logger() *slog.Logger {
	if !a.verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(a.Err, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// timestamp dates commits: SOURCE_DATE_EPOCH for reproducible ones, otherwise zero, which is the
// present time.
func (a *app) timestamp() (time.Time, error) {
	epoch := a.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH=%q: not a number of seconds", epoch)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

func (a *app) printf(format string, args ...any) {
	fmt.Fprintf(a.Out, format, args...)
}

func (a *app) colour() bool {
	return a.ErrTerminal > 0 && a.Getenv("NO_COLOR") == "" && a.Getenv("TERM") != "dumb"
}

// bold marks text on a terminal, where that is wanted.
func (a *app) bold(text string) string { return a.styled("1", text) }

func (a *app) styled(code, text string) string {
	if a.OutTerminal == 0 || a.Getenv("NO_COLOR") != "" || a.Getenv("TERM") == "dumb" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// writeFile writes what an option asked for to a file the user named.
func writeFile(path string, data []byte) error {
	return os.WriteFile(path, data, 0o644)
}
