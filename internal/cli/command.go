package cli

import (
	"io"

	"github.com/spf13/cobra"
)

// Command is the table of commands, from which man pages, completions and the tables of docs are made.
// To run one, see [Main].
func Command() *cobra.Command {
	a := &app{Env: Env{Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }}}
	return a.command()
}
