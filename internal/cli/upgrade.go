package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) upgradeCommand() *cobra.Command {
	var flags changeFlags
	var preview, check, trigger bool
	change := txn.Change{Upgrade: true}
	c := &cobra.Command{
		Use:     "upgrade",
		Example: "  apt-ostree upgrade --check\n  apt-ostree upgrade",
		Aliases: []string{"update"},
		Short:   "Take the newest base commit and layered packages",
		Long: "Pull the newest commit of what the origin follows and layer the requested packages on it, at their newest\n" +
			"versions. --check and --preview show the very plan that the upgrade would carry out.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if trigger {
				return a.automatic(c.Context())
			}
			if preview || check {
				if len(change.Install)+len(change.Uninstall) > 0 {
					return errors.New("--install and --uninstall cannot be used together with --check or --preview")
				}
				flags.preview = func(p *txn.Plan) error { return a.printAvailable(p, flags, preview) }
			}
			return a.change(c.Context(), change, flags, "No upgrade available.")
		},
	}
	a.addBaseFlags(c, &flags, &change)
	c.Flags().BoolVar(&preview, "preview", false, "show in full what would change and stop")
	c.Flags().BoolVar(&preview, "check-diff", false, "the same as --preview")
	c.Flags().BoolVar(&check, "check", false, "show in short what would change and stop; exit with 77 if nothing would")
	c.Flags().BoolVar(&trigger, "trigger-automatic-update-policy", false, "do what the daemon's configuration says about updates")
	hide(c, "trigger-automatic-update-policy")
	c.Flags().BoolVar(&change.AllowDowngrade, "allow-downgrade", false, "permit a base that is older than the present one")
	c.Flags().BoolVar(&flags.unchanged, "upgrade-unchanged-exit-77", false, "the same as --unchanged-exit-77")
	hide(c, "check-diff")
	hide(c, "upgrade-unchanged-exit-77")
	return c
}

// availableWidth is that of the longest key of an AvailableUpdate block.
const availableWidth = 13

// printAvailable prints what an upgrade would bring: the packages one by one, or counted.
func (a *app) printAvailable(p *txn.Plan, flags changeFlags, full bool) error {
	switch {
	case p.Unchanged && flags.json:
		return exitCodeError(exitUnchanged)
	case p.Unchanged:
		a.printf("No updates available.\n")
		return exitCodeError(exitUnchanged)
	case flags.json:
		return nil
	}
	a.printf("AvailableUpdate:\n")
	line := func(key, value string) {
		if value != "" {
			a.printf("  %*s: %s\n", availableWidth, key, value)
		}
	}
	if p.Base != p.PresentBase {
		if p.BaseVersion != "" {
			line("Version", p.BaseVersion+" ("+p.BaseTimestamp+")")
		} else {
			line("Timestamp", p.BaseTimestamp)
		}
		line("Digest", p.ContainerDigest)
		if !p.Base.IsZero() {
			line("Commit", p.Base.String())
		}
	}
	if !full {
		line("Diff", diffSummary(p.Diff))
		return nil
	}
	for _, section := range diffSections(p.Diff) {
		line(section.title, section.text(availableWidth+4))
	}
	return nil
}
