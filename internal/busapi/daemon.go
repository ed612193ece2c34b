package busapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/pflag"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// DaemonEnv is what the daemon takes from the process it runs in.
type DaemonEnv struct {
	Err    io.Writer
	Getenv func(string) string
	// Writable makes sure that the process may write to a sysroot; it may start the program again.
	Writable func(sysroot string) error
	// Options is the template for systems that are opened; tests fill in fakes.
	Options txn.Options
}

// SystemBus is the address that the environment names, or the usual one.
func SystemBus(getenv func(string) string) string {
	return cmp.Or(getenv("DBUS_SYSTEM_BUS_ADDRESS"), "unix:path=/run/dbus/system_bus_socket")
}

// Daemon runs the daemon with the arguments of its command line and returns the exit status.
func Daemon(ctx context.Context, args []string, env DaemonEnv) int {
	err := runDaemon(ctx, args, env)
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return 0
	}
	fmt.Fprintf(env.Err, "apt-ostreed: error: %v\n", err)
	return 1
}

func runDaemon(ctx context.Context, args []string, env DaemonEnv) error {
	opts := ServerOptions{Address: SystemBus(env.Getenv), System: env.Options}
	flags := pflag.NewFlagSet("apt-ostreed", pflag.ContinueOnError)
	flags.SetOutput(env.Err)
	flags.StringVar(&opts.Sysroot, "sysroot", "/", "work on the system below this `PATH`")
	flags.StringVar(&opts.ConfigPath, "config", ConfigPath, "read the configuration from this `FILE`")
	flags.StringVar(&opts.RunDir, "run-dir", "/run/apt-ostree", "make the sockets of transactions in this `DIRECTORY`")
	flags.StringVar(&opts.CacheDir, "cache-dir", "/var/cache/apt-ostree", "keep what checks find in this `DIRECTORY`")
	debug := flags.BoolP("debug", "d", false, "log more")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err := env.Writable(opts.Sysroot); err != nil {
		return err
	}
	level := slog.LevelInfo
	if *debug {
		level = slog.LevelDebug
	}
	// The journal has the time and the name.
	opts.Logger = slog.New(slog.NewTextHandler(env.Err, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	opts.Notify = func(state string) {
		if _, err := daemon.SdNotify(false, state); err != nil {
			opts.Logger.Warn("service manager not told", "state", state, "error", err)
		}
	}
	sysroot, err := filepath.Abs(opts.Sysroot)
	if err != nil {
		return err
	}
	opts.Sysroot = sysroot
	if err := os.MkdirAll(opts.CacheDir, 0o755); err != nil {
		return err
	}
	return Serve(ctx, opts)
}

// socketPath takes the path from an address "unix:path=…"; of several addresses the first.
func socketPath(address string) (string, error) {
	first, _, _ := strings.Cut(address, ";")
	rest, ok := strings.CutPrefix(first, "unix:")
	if !ok {
		return "", fmt.Errorf("bus address %q: only unix: is supported", address)
	}
	for pair := range strings.SplitSeq(rest, ",") {
		switch key, value, _ := strings.Cut(pair, "="); key {
		case "path":
			return value, nil
		case "abstract":
			return "@" + value, nil
		}
	}
	return "", fmt.Errorf("bus address %q: neither path nor abstract", address)
}
