package cli

import (
	"io"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/internal/busapi"
	"github.com/apt-ostree/apt-ostree/internal/systemd"
	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
)

// Writers of text, for tests of their form.

func PrintStatus(out io.Writer, s *txn.Status, verbose bool) {
	testApp(out).printStatus(s, false, statusView{verbose: verbose, stateroots: verbose || differ(s.Deployments)})
}

// PrintAutomatic prints the header of a status. Units that are nil are unknown.
func PrintAutomatic(out io.Writer, s *txn.Status, verbose bool, policy busapi.Policy, timer, service, driver *systemd.UnitState, now time.Time) {
	a := testApp(out)
	a.Options.Clock = func() time.Time { return now }
	a.printStatus(s, false, statusView{verbose: verbose, automatic: automaticView{policy, timer, service, driver}})
}

func PrintError(out io.Writer, change txn.Change, err error) {
	testApp(out).printError(&changeError{change, err})
}

// PrintQueryError is for an error of a command that changes no system.
func PrintQueryError(out io.Writer, err error) { testApp(out).printError(err) }

func CommandLine(c txn.Change, sysroot string) string {
	a := testApp(nil)
	a.sysroot = sysroot
	return a.commandLine(c)
}

func OfOneStateroot(all []txn.DeploymentStatus, name string) []txn.DeploymentStatus {
	return ofOneStateroot(all, name)
}

func PrintInfo(out io.Writer, names []string, installed []txn.InstalledPackage, u *apt.Universe) []solve.Missing {
	infos, missing := describePackages(names, installed, u)
	testApp(out).printInfos(infos)
	return missing
}

func testApp(out io.Writer) *app {
	return &app{Env: Env{Out: out, Err: out, Getenv: func(name string) string {
		if name == "LANG" {
			return "C.UTF-8"
		}
		return ""
	}}}
}

var (
	Size       = size
	ShellQuote = shellQuote
)

// PrintHistory prints records that the journal knows boots of.
func PrintHistory(out io.Writer, records []history.Record, journal string, verbose bool, now time.Time) {
	a := testApp(out)
	a.Options.Clock = func() time.Time { return now }
	var entries []HistoryEntry
	for _, r := range records {
		entries = append(entries, newHistoryEntry(r, parseBoots([]byte(journal))))
	}
	a.printHistory(entries, verbose)
}

// SplitFiles and FromSuite read arguments, for tests.
var (
	SplitFiles = splitFiles
	FromSuite  = fromSuite
)

// SearchText is what search prints.
func SearchText(u *apt.Universe, limit int, terms ...string) string {
	var out strings.Builder
	groups := search(u, terms)
	testApp(&out).printMatches(groups, limitMatches(groups, limit))
	return out.String()
}

// Changelog is changelog.
var Changelog = changelog

// SearchNames is what `search` finds: names by group.
func SearchNames(u *apt.Universe, terms ...string) map[string][]string {
	names := map[string][]string{}
	for group, list := range search(u, terms) {
		for _, m := range list {
			names[group] = append(names[group], m.Name)
		}
	}
	return names
}
