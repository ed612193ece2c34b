package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// printUsage writes the help text of a command; programs read the list of
// commands in it.
func printUsage(w io.Writer, c *command, f *flags, path string) {
	operands := c.operands
	if c.sub != nil {
		operands = "COMMAND"
		if c.orElse != "" {
			operands = c.orElse + "|COMMAND"
		}
	}
	fmt.Fprintf(w, "Usage:\n  %s\n\n", strings.TrimSpace(path+" [OPTION…] "+operands))
	if c.summary != "" {
		fmt.Fprintf(w, "%s\n\n", c.summary)
	}
	if c.sub != nil {
		printCommands(w, c)
	}
	verbose := "--verbose"
	if f.verboseShort() != "" {
		verbose = "-v, --verbose"
	}
	options := append(slices.Clip(f.shown),
		shownFlag{verbose, "Print debug information during command processing"},
		shownFlag{"--version", "Print version information and exit"})
	help := shownFlag{"-h, --help", "Show help options"}
	width := 0
	for _, o := range append(options, help) {
		width = max(width, utf8.RuneCountInString(o.spelling))
	}
	fmt.Fprintf(w, "Help Options:\n  %-*s  %s\n\nApplication Options:\n", width+4, help.spelling, help.help)
	for _, o := range options {
		fmt.Fprintf(w, "  %-*s  %s\n", width+4, o.spelling, o.help)
	}
	fmt.Fprintln(w)
}

func printCommands(w io.Writer, c *command) {
	title := "Builtin Commands:"
	if c.name != "" {
		title = fmt.Sprintf("Builtin \"%s\" Commands:", c.name)
	}
	fmt.Fprintln(w, title)
	for _, sub := range c.sub {
		if sub.hidden || sub.run == nil && sub.sub == nil {
			continue
		}
		fmt.Fprintf(w, "  %-17s %s\n", sub.name, sub.summary)
	}
	fmt.Fprintln(w)
}
