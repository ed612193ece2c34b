package cli

import "github.com/spf13/cobra"

// queryCommands are the commands that look into a system, and the one that makes what it sees live.
func (a *app) queryCommands() []*cobra.Command {
	return []*cobra.Command{a.historyCommand(), a.whyCommand(), a.whyNotCommand(), a.providesCommand(), a.etcCommand(), a.applyLiveCommand()}
}
