package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// messages prints what a change has to say as its result, beside the progress.
type messages struct {
	out  io.Writer
	next step.Reporter // nil if nobody looks at the progress
}

func (m messages) Report(e step.Event) {
	if text, ok := e.(step.Message); ok && text.Level == step.Info {
		fmt.Fprintln(m.out, text.Text)
		return
	}
	if m.next != nil {
		m.next.Report(e)
	}
}

// alone applies a change that makes no new deployment. What it comes to are its messages.
func (a *app) alone(ctx context.Context, change txn.Change, flags changeFlags) error {
	flags.alone = true
	return a.change(ctx, change, flags, "No change.")
}

// changeReporter shows the progress of a change, and its messages if they are what it comes to.
func (a *app) changeReporter(flags changeFlags) step.Reporter {
	switch {
	case !flags.alone:
		return a.reporter()
	case flags.json:
		return messages{a.Err, a.reporter()}
	}
	return messages{a.Out, a.reporter()}
}

// deploymentCommands are those about the list of deployments and what belongs to it.
func (a *app) deploymentCommands() []*cobra.Command {
	return []*cobra.Command{
		a.undoCommand(), a.cleanupCommand(), a.pruneCommand(), a.pinCommand(), a.unpinCommand(), a.refreshCommand(), a.usroverlayCommand(), a.checkoutCommand(),
	}
}

func (a *app) cleanupCommand() *cobra.Command {
	var flags changeFlags
	var cleanup txn.Cleanup
	c := &cobra.Command{
		Use:     "cleanup",
		Example: "  apt-ostree cleanup --pending --repomd",
		Short:   "Drop deployments, and what is cached",
		Long: "Drop deployments that are not needed, and free what they held. Pinned deployments stay, and are named. What\n" +
			"cannot be removed does not keep the rest.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if cleanup == (txn.Cleanup{}) {
				return errors.New("at least one of --base, --pending, --rollback and --repomd must be given")
			}
			return a.alone(c.Context(), txn.Change{Cleanup: &cleanup}, flags)
		},
	}
	a.sysrootFlags(c)
	flags.addDryRun(c)
	c.Flags().BoolVarP(&cleanup.Base, "base", "b", false, "drop what interrupted and download-only changes left")
	c.Flags().BoolVarP(&cleanup.Pending, "pending", "p", false, "drop pending and staged deployments")
	c.Flags().BoolVarP(&cleanup.Rollback, "rollback", "r", false, "drop rollback deployments")
	c.Flags().BoolVarP(&cleanup.Metadata, "repomd", "m", false, "drop what was downloaded from archives")
	return c
}

func (a *app) pruneCommand() *cobra.Command {
	var flags changeFlags
	var prune txn.Prune
	var older, largest string
	c := &cobra.Command{
		Use:     "prune",
		Example: "  apt-ostree prune --keep=2 --older-than=90d",
		Short:   "Drop the oldest deployments, by number, age or size",
		Long: "Drop packages and commits that no deployment has, and, with an option, the oldest deployments. The running one,\n" +
			"the one that boots next and pinned ones stay. With --keep and --older-than both have to be exceeded.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if older != "" {
				if prune.OlderThan, err = parseAge(older); err != nil {
					return err
				}
			}
			if largest != "" {
				if prune.MaxSize, err = parseSize(largest); err != nil {
					return err
				}
			}
			return a.alone(c.Context(), txn.Change{Prune: &prune}, flags)
		},
	}
	a.sysrootFlags(c)
	flags.addDryRun(c)
	c.Flags().IntVar(&prune.Keep, "keep", 0, "keep this `NUMBER` of deployments")
	c.Flags().StringVar(&older, "older-than", "", "drop deployments of commits older than this `AGE`, such as 90d or 12h")
	c.Flags().StringVar(&largest, "max-size", "", "drop deployments until the repository has at most this `SIZE`, such as 20GB")
	return c
}

// parseAge reads a duration that may have days and weeks.
func parseAge(text string) (time.Duration, error) {
	for unit, hours := range map[string]int{"d": 24, "w": 7 * 24} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseUint(number, 10, 16)
			if err != nil {
				return 0, fmt.Errorf("%q: not a number of days or weeks", text)
			}
			return time.Duration(n) * time.Duration(hours) * time.Hour, nil
		}
	}
	return time.ParseDuration(text)
}

// parseSize reads a size in bytes with a decimal or binary unit.
func parseSize(text string) (int64, error) {
	factors := []struct {
		unit   string
		factor int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"", 1}}
	for _, f := range factors {
		if number, ok := strings.CutSuffix(text, f.unit); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 32)
			if err != nil || n <= 0 {
				return 0, fmt.Errorf("%q: not a size such as 20GB or 500MiB", text)
			}
			return n * f.factor, nil
		}
	}
	return 0, fmt.Errorf("%q: not a size", text)
}
