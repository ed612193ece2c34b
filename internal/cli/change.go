package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// changeFlags are the options that all commands which change a system share.
type changeFlags struct {
	dryRun    bool
	unchanged bool
	json      bool
	cacheOnly bool
	yes       bool
	unpacker  string
	// files are local packages to layer, replacements those to put in the place of the base's.
	files, replacements []string
	bootFlags
	// live makes the new deployment visible in the running system too.
	live bool
	// preview prints a plan instead of everything else, and nothing is done.
	preview func(*txn.Plan) error
	// alone is set for a change that makes no new deployment: its messages are its result.
	alone bool
}

func (f *changeFlags) add(c *cobra.Command) {
	f.addDryRun(c)
	c.Flags().BoolVar(&f.unchanged, "unchanged-exit-77", false, "exit with 77 if nothing changed")
	c.Flags().BoolVarP(&f.yes, "assumeyes", "y", false, "ask nothing (nothing is asked)")
	hide(c, "assumeyes")
	addUnpacker(c, &f.unpacker)
}

// addDryRun adds what shows a plan.
func (f *changeFlags) addDryRun(c *cobra.Command) {
	c.Flags().BoolVarP(&f.dryRun, "dry-run", "n", false, "print what would be done and stop")
	c.Flags().BoolVar(&f.json, "json", false, "print the plan as JSON")
}

// addUnpacker adds the choice of who unpacks packages.
func addUnpacker(c *cobra.Command, value *string) {
	c.Flags().StringVar(value, "unpacker", "", "who unpacks new packages: native or dpkg (default native; the result is the same)")
}

// checkUnpacker refuses a value of --unpacker that means nothing.
func checkUnpacker(value string) error {
	if !assemble.UnpackMode(value).Valid() {
		return fmt.Errorf("--unpacker=%s: neither %s nor %s", value, assemble.UnpackNative, assemble.UnpackDpkg)
	}
	return nil
}

func (f *changeFlags) addCacheOnly(c *cobra.Command) {
	c.Flags().BoolVarP(&f.cacheOnly, "cache-only", "C", false, "use what is downloaded already, no network")
}

// change plans a change, prints the plan, and applies it. Unless nothing is to be changed, others
// are kept out from before the plan is made.
func (a *app) change(ctx context.Context, change txn.Change, flags changeFlags, none string) (err error) {
	if err := checkUnpacker(flags.unpacker); err != nil {
		return err
	}
	if err := a.checkBoot(flags); err != nil {
		return err
	}
	change.CacheOnly = change.CacheOnly || flags.cacheOnly
	change.LockFinalization = change.LockFinalization || flags.locked
	var more []string
	change.Install, more = splitFiles(change.Install)
	flags.files = append(flags.files, more...)
	if client := a.daemon(ctx); client != nil {
		return a.changeByDaemon(ctx, client, change, flags, none)
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
	if flags.preview == nil && !flags.dryRun {
		unlock, err := system.Lock(ctx)
		if err != nil {
			return &changeError{change, err}
		}
		defer unlock() //nolint:errcheck // it goes away with the process
	}
	if err := a.addFiles(ctx, system, &change, flags); err != nil {
		return err
	}
	plan, err := system.Plan(ctx, change)
	if err != nil {
		return &changeError{change, err}
	}
	if flags.json {
		if err := json.NewEncoder(a.Out).Encode(plan); err != nil {
			return err
		}
	} else if flags.preview == nil {
		a.printPlan(plan)
	}
	switch {
	case flags.preview != nil:
		if change.Upgrade {
			a.remember(ctx, system, plan)
		}
		return flags.preview(plan)
	case plan.Unchanged && !flags.dryRun && change.RegisterDriver != "": // which changes no deployment
		if _, err := system.Apply(ctx, plan, txn.ApplyOptions{}); err != nil {
			return err
		}
		return a.nothing(none, flags)
	case plan.Unchanged && (flags.dryRun || !flags.live):
		return a.nothing(none, flags)
	case flags.dryRun:
		return a.dryRun(plan, flags)
	case !plan.Unchanged:
		if err := a.apply(ctx, system, plan, flags); err != nil {
			return err
		}
	}
	if flags.live {
		return a.followLive(ctx, system, flags, none)
	}
	return nil
}

func (a *app) nothing(text string, flags changeFlags) error {
	if !flags.json {
		a.printf("%s\n", text)
	}
	if flags.unchanged {
		return exitCodeError(exitUnchanged)
	}
	return nil
}

// downloaded ends a change that only downloads.
func (a *app) downloaded(flags changeFlags) {
	if !flags.json {
		a.printf("Update downloaded.\n")
	}
}

func (a *app) dryRun(plan *txn.Plan, flags changeFlags) error {
	if !flags.json {
		a.printChanges(plan.Diff)
	}
	fmt.Fprintln(a.Err, "Exiting because of '--dry-run' option")
	return nil
}

func (a *app) apply(ctx context.Context, system *txn.System, plan *txn.Plan, flags changeFlags) error {
	if _, err := system.Apply(ctx, plan, txn.ApplyOptions{Reporter: a.changeReporter(flags), Unpacker: assemble.UnpackMode(flags.unpacker), By: a.actor()}); err != nil {
		return &changeError{plan.Change, err}
	}
	if plan.Change.DownloadOnly {
		a.downloaded(flags)
		return nil
	}
	if !flags.json && !flags.alone && !flags.live {
		a.printChanges(plan.Diff)
		a.printEnd(plan, flags)
	}
	if flags.reboot {
		return a.reboot(ctx)
	}
	return nil
}

// printEnd tells what is left to do.
func (a *app) printEnd(plan *txn.Plan, flags changeFlags) {
	if c := plan.Change; len(c.OverrideRemove)+len(c.OverrideReplace)+len(c.OverrideReplaceLocal) > 0 {
		a.printf("Use \"apt-ostree override reset\" to undo overrides\n")
	}
	switch {
	case flags.reboot:
	case plan.Change.Upgrade || plan.Change.Deploy != "" || plan.Change.Rebase != nil || plan.Change.Rollback:
		a.printf("Run \"systemctl reboot\" to start a reboot\n")
	default:
		a.printf("Changes queued for next boot. Run \"systemctl reboot\" to start a reboot\n")
	}
}
