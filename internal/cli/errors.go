package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/busapi"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// printError prints an error and the ways out of it.
func (a *app) printError(err error) {
	red, reset := "", ""
	if a.colour() {
		red, reset = "\x1b[1;31m", "\x1b[0m"
	}
	fmt.Fprintf(a.Err, "%serror: %s%s\n", red, reset, errorText(err))
	for _, line := range output(err) {
		fmt.Fprintf(a.Err, "  | %s\n", line)
	}
	change := txn.Change{}
	failed, changing := errors.AsType[*changeError](err)
	if changing {
		change = failed.change
	}
	for _, r := range advise(err, change) {
		fmt.Fprintf(a.Err, "hint: %s\n", r.Text)
		if r.Change != nil && changing { // the way out of another command is not a change
			fmt.Fprintf(a.Err, "      %s\n", a.commandLine(*r.Change))
		}
		if r.Live != nil {
			fmt.Fprintf(a.Err, "      %s\n", strings.Join(liveWords(*r.Live), " "))
		}
	}
}

// advise gives the ways out. For what failed in the daemon they came with the failure.
func advise(err error, change txn.Change) []txn.Remedy {
	failure, ok := errors.AsType[*busapi.RemoteError](err)
	if !ok {
		return txn.Advise(err, change)
	}
	var all []txn.Remedy
	for _, r := range failure.Remedies {
		all = append(all, txn.Remedy(r))
	}
	return all
}

// maxOutput is how many lines of a failed program are shown; the log has them all.
const maxOutput = 20

// output is what a program that failed said at last.
func output(err error) []string {
	var lines []string
	if script, ok := errors.AsType[*assemble.ScriptError](err); ok {
		lines = script.Log
	} else if pkg, ok := errors.AsType[*assemble.PackageError](err); ok {
		lines = pkg.Log
	} else if failure, ok := errors.AsType[*busapi.RemoteError](err); ok {
		lines = failure.Output
	}
	return lines[max(0, len(lines)-maxOutput):]
}

// errorText is the error, but for what the user caused: that needs no path through the program.
func errorText(err error) string {
	if txn.Classify(err) != txn.KindCanceled {
		return err.Error()
	}
	if at, ok := errors.AsType[*step.Error](err); ok {
		return "canceled: " + at.Step
	}
	return "canceled"
}

// changeError remembers the change that failed, for the hints.
type changeError struct {
	change txn.Change
	err    error
}

func (e *changeError) Error() string { return e.err.Error() }
func (e *changeError) Unwrap() error { return e.err }
