package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// updateWidth is the length of the longest key of an available update.
const updateWidth = 13

// printAvailableUpdate prints what a check found, unless a deployment has it already.
func (a *app) printAvailableUpdate(u *txn.CachedUpdate, v statusView) {
	if u == nil || u.Deployment != "" {
		return
	}
	a.printf("\nAvailableUpdate:\n")
	line := func(key, value string) { a.printf("%*s: %s\n", updateWidth+2, key, value) }
	if u.NewCommit {
		date := time.Unix(u.Timestamp, 0).UTC().Format(time.RFC3339)
		if u.Version != "" {
			line("Version", fmt.Sprintf("%s (%s)", a.bold(u.Version), date))
		} else {
			line("Timestamp", date)
		}
		line("Commit", u.Checksum)
		if u.GPGEnabled != nil && *u.GPGEnabled {
			text := "(unsigned)"
			for _, s := range u.Signatures {
				text = "Valid signature by " + s.Fingerprint
				if !s.Valid {
					text = "no valid signature"
				}
			}
			line("GPGSignature", text)
		}
	}
	a.printAdvisories(u.Advisories, updateWidth, v.verbose || v.advisories)
	a.printUpdateDiff(u.Diff, v.verbose, line)
}

// printUpdateDiff prints the packages of a check.
func (a *app) printUpdateDiff(d *txn.UpdateDiff, verbose bool, line func(key, value string)) {
	if d == nil {
		return
	}
	var counts []string
	for _, part := range []struct {
		title, verb string
		rows        [][]any
	}{{"Upgraded", "upgraded", d.Upgraded}, {"Downgraded", "downgraded", d.Downgraded}, {"Removed", "removed", d.Removed}, {"Added", "added", d.Added}} {
		if len(part.rows) == 0 {
			continue
		}
		counts = append(counts, fmt.Sprintf("%d %s", len(part.rows), part.verb))
		if !verbose {
			continue
		}
		var lines []string
		for _, row := range part.rows {
			lines = append(lines, updateRow(row))
		}
		line(part.title, strings.Join(lines, "\n"+strings.Repeat(" ", updateWidth+4)))
	}
	if !verbose && len(counts) > 0 {
		line("Diff", strings.Join(counts, ", "))
	}
}

// updateRow prints a row of a check's difference: name and versions.
func updateRow(row []any) string {
	if len(row) != 4 {
		return fmt.Sprint(row...)
	}
	version := func(v any) string {
		switch pair := v.(type) {
		case []any:
			if len(pair) > 0 {
				return fmt.Sprint(pair[0])
			}
		case [2]string:
			return pair[0]
		}
		return fmt.Sprint(v)
	}
	if text, ok := row[2].(string); ok {
		return fmt.Sprintf("%v_%s_%v", row[1], text, row[3])
	}
	return fmt.Sprintf("%v %s -> %s", row[1], version(row[2]), version(row[3]))
}

// printAdvisories prints security updates: how many, or which.
func (a *app) printAdvisories(list [][]any, width int, all bool) {
	if len(list) == 0 {
		return
	}
	key := a.styled("1;31", fmt.Sprintf("%*s", width+2, "SecAdvisories"))
	if !all {
		a.printf("%s: %s\n", key, a.styled("1;31", fmt.Sprintf("%d unknown severity", len(list))))
		return
	}
	longest := 0
	for _, one := range list {
		longest = max(longest, len(fmt.Sprint(one[:min(1, len(one))]...)))
	}
	prefix := key + ": "
	for _, one := range list {
		if len(one) < 4 {
			continue
		}
		for _, p := range texts(one[3]) {
			a.printf("%s%-*v  %-9s  %s\n", prefix, longest, one[0], "Unknown", p)
			prefix = strings.Repeat(" ", width+4)
		}
	}
}
