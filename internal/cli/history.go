package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
)

// historyFlags are the options of `history`.
type historyFlags struct {
	verbose, json, array, all bool
	limit                     int
}

func (a *app) historyCommand() *cobra.Command {
	var f historyFlags
	c := &cobra.Command{
		Use:     "history",
		Example: "  apt-ostree history --all --verbose",
		Short:   "Show past transactions: who changed what, when, and what came of it",
		Long: "Show past transactions, the newest first: who changed what, when, with what outcome, and when the\n" +
			"deployment that it made was booted. The records are kept in /sysroot/ostree/apt-ostree/history and sent to\n" +
			"the systemd journal (journalctl MESSAGE_ID=" + history.MessageID + ").",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			system, err := a.system(c.Context())
			if err != nil {
				return err
			}
			defer system.Close()
			if f.all {
				f.limit = 0
			}
			records, err := system.History(f.limit)
			if err != nil {
				return err
			}
			entries := make([]HistoryEntry, 0, len(records))
			boots := a.boots(c.Context())
			for _, r := range records {
				entries = append(entries, newHistoryEntry(r, boots))
			}
			if f.json || f.array {
				return a.printHistoryJSON(entries, f.array)
			}
			a.printHistory(entries, f.verbose)
			return nil
		},
	}
	a.sysrootFlags(c)
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "print all fields, and the time of each step")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON, one object for each entry")
	c.Flags().BoolVar(&f.array, "json-array", false, "print JSON, one array")
	c.Flags().IntVarP(&f.limit, "limit", "n", 3, "show `N` entries")
	c.Flags().BoolVar(&f.all, "all", false, "show all entries")
	return c
}

// HistoryEntry is one entry of `history --json`: the keys of rpm-ostree's and the transaction.
type HistoryEntry struct {
	Deployment    json.RawMessage `json:"deployment,omitempty"`
	Created       int64           `json:"deployment-create-timestamp,omitempty"`
	CommandLine   string          `json:"deployment-create-command-line,omitempty"`
	BootCount     int             `json:"boot-count"`
	FirstBoot     int64           `json:"first-boot-timestamp,omitempty"`
	LastBoot      int64           `json:"last-boot-timestamp,omitempty"`
	Transaction   history.Record  `json:"transaction"`
	Seconds       float64         `json:"seconds,omitempty"`
	deployedState *txn.DeploymentStatus
}

func newHistoryEntry(r history.Record, boots []boot) HistoryEntry {
	e := HistoryEntry{Transaction: r, Seconds: r.Elapsed().Seconds(), CommandLine: r.Actor.CommandLine}
	if r.To != "" {
		e.Created = r.Finished.Unix()
	}
	var state txn.DeploymentStatus
	if json.Unmarshal(r.Deployment, &state) == nil {
		e.Deployment, e.deployedState = r.Deployment, &state
	}
	e.Transaction.Deployment = nil // once is enough
	for _, b := range boots {
		if b.of(r) {
			e.BootCount++
			e.FirstBoot = cmp.Or(e.FirstBoot, b.at.Unix())
			e.LastBoot = b.at.Unix()
		}
	}
	return e
}

func (a *app) printHistoryJSON(entries []HistoryEntry, array bool) error {
	if array {
		return a.printJSON(entries)
	}
	for _, e := range entries {
		if err := a.printJSON(e); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) printHistory(entries []HistoryEntry, verbose bool) {
	if len(entries) == 0 {
		a.printf("<< No entries found >>\n")
	}
	for i, e := range entries {
		if i > 0 {
			a.printf("\n")
		}
		a.printHistoryEntry(e, verbose)
	}
}

func (a *app) printHistoryEntry(e HistoryEntry, verbose bool) {
	r := e.Transaction
	if e.BootCount > 0 {
		a.printf("BootTimestamp: %s\n", a.moment(time.Unix(e.LastBoot, 0)))
	}
	if e.BootCount > 1 {
		a.printf("%s BootCount: %d; first booted on %s\n", a.glyph("└", "`-"), e.BootCount, a.moment(time.Unix(e.FirstBoot, 0)))
	}
	if r.Title == "" {
		a.printf("  << Missing history information >>\n")
		return
	}
	if r.To != "" {
		a.printf("CreateTimestamp: %s\n", a.moment(r.Finished))
	} else {
		a.printf("Timestamp: %s\n", a.moment(r.Started))
	}
	if r.Actor.CommandLine != "" {
		a.printf("CreateCommand: %s\n", a.bold(r.Actor.CommandLine))
	}
	if verbose || r.Actor.CommandLine == "" {
		a.printf("Change: %s\n", r.Title)
	}
	a.printf("User: %s\n", actorText(r.Actor))
	a.printf("Outcome: %s\n", outcomeText(r))
	if verbose {
		for _, s := range r.Steps {
			a.printf("  %s: %s\n", s.Name, seconds(s.Seconds))
		}
	}
	switch {
	case e.deployedState != nil:
		a.printDeployment(*e.deployedState, 0, verbose, verbose)
	case r.To != "":
		a.printf("  << Missing history information >>\n")
	}
}

func outcomeText(r history.Record) string {
	text := string(r.Outcome)
	if elapsed := r.Elapsed(); elapsed > 0 {
		text += " after " + seconds(elapsed.Seconds())
	}
	if r.Error != "" {
		text += ": " + r.Error
	}
	return text
}

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', 1, 64) + " s" }

// actorText names who asked: the user who logged in, what that one became, and the program.
func actorText(by history.Actor) string {
	text := userName(by.UID)
	if by.LoginUID != nil && *by.LoginUID != by.UID {
		text = userName(*by.LoginUID) + " as " + text
	}
	for _, s := range []string{by.Client, by.Unit} {
		if s != "" {
			text += ", " + s
		}
	}
	return text
}

func userName(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "uid " + id
}

// moment prints a time with how long ago that was.
func (a *app) moment(t time.Time) string {
	return fmt.Sprintf("%s (%s)", t.UTC().Format(time.RFC3339), ago(a.now().Sub(t)))
}

func (a *app) now() time.Time {
	if a.Options.Clock != nil {
		return a.Options.Clock()
	}
	return time.Now()
}

// ago prints a duration in its two largest units, as systemd does.
func ago(d time.Duration) string {
	if d < 0 {
		return "in the future"
	}
	units := []struct {
		name string
		of   time.Duration
	}{{"y", 365 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}}
	var parts []string
	for _, u := range units {
		if n := d / u.of; n > 0 && len(parts) < 2 {
			parts = append(parts, fmt.Sprintf("%d%s", n, u.name))
			d -= n * u.of
		} else if len(parts) > 0 {
			break
		}
	}
	if len(parts) == 0 {
		return "just now"
	}
	return strings.Join(parts, " ") + " ago"
}
