package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// queryCommands are the commands that look into a system, and the one that makes what it sees live.
func (a *app) queryCommands() []*cobra.Command {
	ex := &cobra.Command{Use: "ex COMMAND", Short: "Commands under the name that rpm-ostree has for experiments", Hidden: true}
	ex.AddCommand(a.historyCommand(), a.applyLiveCommand())
	return []*cobra.Command{ex, a.historyCommand(), a.whyCommand(), a.whyNotCommand(), a.providesCommand(), a.etcCommand(), a.applyLiveCommand()}
}

// onSystem opens the system for as long as do runs. Open is the method system of app, or archives for a question
// about what archives offer.
func onSystem(c *cobra.Command, open func(context.Context) (*txn.System, error), do func(context.Context, *txn.System) error) error {
	system, err := open(c.Context())
	if err != nil {
		return err
	}
	defer system.Close()
	return do(c.Context(), system)
}
