package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) deployCommand() *cobra.Command {
	var flags changeFlags
	var preview, noDowngrade bool
	change := txn.Change{}
	c := &cobra.Command{
		Use:     "deploy REVISION",
		Example: "  apt-ostree deploy --preview 12.2\n  apt-ostree deploy 12.2",
		Short:   "Deploy a base commit by version, ref or checksum",
		Long: "Deploy a base commit: a version on the ref that is followed, another ref (which is then followed), or a\n" +
			"checksum in the history of the ref that is followed. What is not here yet is pulled. Layered packages are\n" +
			"layered on it.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				change.Deploy = args[0]
			}
			if change.Deploy == "" {
				if change.RegisterDriver == "" {
					return errors.New("deploy needs a revision: a version, a ref or a checksum")
				}
				change.CacheOnly, change.NoPull = true, true
			}
			change.AllowDowngrade = !noDowngrade
			change.CallerUnit = a.unit()
			if preview {
				flags.preview = func(p *txn.Plan) error {
					a.printDiffLines(p.Diff)
					return nil
				}
			}
			return a.change(c.Context(), change, flags, "No change.")
		},
	}
	a.addBaseFlags(c, &flags, &change)
	c.Flags().BoolVar(&preview, "preview", false, "show which packages would change and stop")
	c.Flags().BoolVar(&noDowngrade, "disallow-downgrade", false, "refuse a base that is older than the present one")
	c.Flags().BoolVar(&change.SkipBranchCheck, "skip-branch-check", false, "accept a commit that is not in the history of the ref that is followed")
	c.Flags().StringVar(&change.RegisterDriver, "register-driver", "", "make the calling systemd unit the update driver, by this `NAME`")
	return c
}
