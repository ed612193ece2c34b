package cli

import "github.com/spf13/cobra"

// queryCommands are the commands that look and change nothing.
func (a *app) queryCommands() []*cobra.Command {
	return []*cobra.Command{a.historyCommand(), a.whyCommand(), a.whyNotCommand(), a.providesCommand(), a.etcCommand()}
}
