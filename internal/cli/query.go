package cli

import "github.com/spf13/cobra"

// queryCommands are the commands that look into a system, and the one that makes what it sees live.
func (a *app) queryCommands() []*cobra.Command {
	ex := &cobra.Command{Use: "ex COMMAND", Short: "Commands under the name that rpm-ostree has for experiments", Hidden: true}
	ex.AddCommand(a.historyCommand(), a.applyLiveCommand())
	return []*cobra.Command{ex, a.historyCommand(), a.whyCommand(), a.whyNotCommand(), a.providesCommand(), a.etcCommand(), a.applyLiveCommand()}
}
