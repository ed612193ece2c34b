package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/internal/busapi"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// liveFlags are the options of `apply-live`.
type liveFlags struct {
	target         string
	reset, replace bool
	dryRun, json   bool
}

func (a *app) applyLiveCommand() *cobra.Command {
	var f liveFlags
	c := &cobra.Command{
		Use:   "apply-live",
		Short: "Make the pending deployment visible in the running system, without a reboot",
		Long: "Make the pending deployment, or another commit, visible in the running system: an overlay on /usr gets what\n" +
			"changes, files of /etc that nobody changed get their new defaults, and the system is told of new users,\n" +
			"directories and units. The next boot discards it; the pending deployment boots as it would have. A run that was\n" +
			"interrupted is completed by the same command again, or undone by --reset.\n\n" +
			"Changes of the kernel, the C library and systemd are refused: reboot for them.",
		Example: "  apt-ostree apply-live --allow-replacement\n  apt-ostree apply-live --reset",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.applyLive(c.Context(), f) },
	}
	a.sysrootFlags(c)
	flags := c.Flags()
	flags.StringVar(&f.target, "target", "", "make this `COMMIT` live instead of the pending deployment")
	flags.BoolVar(&f.reset, "reset", false, "go back to the booted commit")
	flags.BoolVar(&f.replace, "allow-replacement", false, "accept that packages change or go")
	flags.BoolVarP(&f.dryRun, "dry-run", "n", false, "print what would be done and stop")
	flags.BoolVar(&f.json, "json", false, "print the plan as JSON")
	c.MarkFlagsMutuallyExclusive("target", "reset")
	return c
}

func (a *app) applyLive(ctx context.Context, f liveFlags) (err error) {
	if client := a.daemon(ctx); client != nil {
		return a.applyLiveByDaemon(ctx, client, f)
	}
	if a.Writable != nil {
		if err := a.Writable(a.sysroot); err != nil {
			return err
		}
	}
	system, err := a.system(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, system.Close()) }()
	change := txn.LiveChange{Reset: f.reset, AllowReplacement: f.replace}
	if f.target != "" {
		if change.Target, err = system.Repo().Resolve(ctx, f.target); err != nil {
			return err
		}
	}
	if !f.dryRun {
		unlock, err := system.Lock(ctx)
		if err != nil {
			return err
		}
		defer unlock() //nolint:errcheck // it goes away with the process
	}
	return a.makeLive(ctx, system, change, f)
}

// followLive makes the deployment live that a change has made before.
func (a *app) followLive(ctx context.Context, system *txn.System, flags changeFlags, none string) error {
	err := a.makeLive(ctx, system, txn.LiveChange{}, liveFlags{json: flags.json})
	if live, ok := errors.AsType[*txn.LiveError](err); ok && live.NothingPending {
		return a.nothing(none, flags) // the system runs what was asked for
	}
	return err
}

// makeLive plans it, and does it.
func (a *app) makeLive(ctx context.Context, system *txn.System, change txn.LiveChange, f liveFlags) error {
	plan, err := system.PlanLive(ctx, change)
	if err != nil {
		return err
	}
	if f.json {
		if err := a.printJSON(plan); err != nil {
			return err
		}
	}
	if !f.dryRun {
		if err := system.ApplyLive(ctx, plan, txn.LiveOptions{Reporter: a.reporter(), By: a.actor()}); err != nil {
			return err
		}
	}
	a.printLive(plan, f)
	return nil
}

// applyLiveByDaemon has the daemon do it, with the same output.
func (a *app) applyLiveByDaemon(ctx context.Context, client *busapi.Client, f liveFlags) error {
	defer client.Close()
	stop, err := a.attend(ctx)
	if err != nil {
		return err
	}
	defer stop()
	var plan *txn.LivePlan
	options := busapi.LiveOptions{Target: f.target, Replace: f.replace, Reset: f.reset}
	options.DryRun, options.CommandLine = f.dryRun, a.actor().CommandLine
	err = client.ApplyLive(ctx, a.stateroot, options, busapi.Listener{Report: a.reporter(), Live: func(p *txn.LivePlan) { plan = p }})
	if err != nil {
		return err
	}
	if f.json {
		return a.printJSON(plan)
	}
	a.printLive(plan, f)
	return nil
}

// printLive prints what was planned, or is done.
func (a *app) printLive(p *txn.LivePlan, f liveFlags) {
	switch {
	case f.json:
	case f.dryRun, p.Unchanged:
		a.printLivePlan(p)
	default:
		a.printLiveDone(p)
	}
}

func (a *app) printLivePlan(p *txn.LivePlan) {
	if p.Unchanged {
		a.printf("No change.\n")
		return
	}
	if p.Resumed {
		a.printf("An interrupted run would be completed.\n")
	}
	a.printf("Would change %d %s in /usr and %d in /etc.\n", p.Files, plural(p.Files, "path"), len(p.Etc))
	a.printChanges(p.Diff)
	if len(p.EtcKept) > 0 {
		a.printf("Changed locally and kept: /etc/%s\n", strings.Join(p.EtcKept, " /etc/"))
	}
	a.printRestart(p)
}

func (a *app) printLiveDone(p *txn.LivePlan) {
	a.printChanges(p.Diff)
	if len(p.Restart) == 0 {
		a.printf("Successfully updated running filesystem tree.\n")
		return
	}
	a.printf("Successfully updated running filesystem tree; Following services may need to be restarted:\n")
	a.printRestart(p)
}

func (a *app) printRestart(p *txn.LivePlan) {
	for _, unit := range p.Restart {
		a.printf("  %s\n", unit)
	}
	if len(p.Restart) > 0 {
		a.printf("hint: restart what runs of them\n      systemctl try-restart %s\n", strings.Join(p.Restart, " "))
	}
}
