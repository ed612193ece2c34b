package cli

import (
	"io"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// Writers of text, for tests of their form.

func PrintStatus(out io.Writer, s *txn.Status, verbose bool) {
	testApp(out).printStatus(s, verbose, false)
}

func PrintError(out io.Writer, change txn.Change, err error) {
	testApp(out).printError(&changeError{change, err})
}

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
