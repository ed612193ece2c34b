package document

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Step is a line that is typed in a session.
type Step struct {
	// Command is a line of shell. Example says that it is one of those that a document shows; what only
	// prepares these is none.
	Command string
	Example bool
	// Code is how it ends, Output what it prints, each found behind the one before.
	Code   int
	Output []*regexp.Regexp
	// Reboots says that the system restarts afterwards.
	Reboots bool
	// Place is the file and line that it is from.
	Place string
}

// Session reads a file of them. In each line the first character says what it is:
//
//	# a comment
//	$ an example
//	% what prepares one
//	> a regular expression for what it prints, on standard output or standard error
//	= its exit code, if that is not 0
//	@ the system restarts
func Session(path string) ([]Step, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var steps []Step
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		place := fmt.Sprintf("%s:%d", path, number)
		switch {
		case kind == "" || kind == "#":
			continue
		case kind == "$" || kind == "%":
			steps = append(steps, Step{Command: rest, Example: kind == "$", Place: place})
			continue
		case len(steps) == 0:
			return nil, fmt.Errorf("%s: there is no command before it", place)
		}
		if err := steps[len(steps)-1].add(kind, rest); err != nil {
			return nil, fmt.Errorf("%s: %w", place, err)
		}
	}
	return steps, nil
}

// add takes up what a line says about the step.
func (s *Step) add(kind, rest string) (err error) {
	switch kind {
	case ">":
		var re *regexp.Regexp
		re, err = regexp.Compile("(?m)" + rest)
		s.Output = append(s.Output, re)
	case "=":
		s.Code, err = strconv.Atoi(rest)
	case "@":
		s.Reboots = true
	default:
		err = fmt.Errorf("%q: not one of # $ %% > = @", kind)
	}
	return err
}

// Check says what is wrong with how the command of a step ended, nil if nothing is.
func (s *Step) Check(code int, output string) error {
	if code != s.Code {
		return fmt.Errorf("%s: %s: exit code %d, not %d: %s", s.Place, s.Command, code, s.Code, output)
	}
	rest := output
	for _, re := range s.Output {
		at := re.FindStringIndex(rest)
		if at == nil {
			return fmt.Errorf("%s: %s: no %q in %s", s.Place, s.Command, re, output)
		}
		rest = rest[at[1]:]
	}
	return nil
}
