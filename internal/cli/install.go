package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) installCommand() *cobra.Command {
	var flags changeFlags
	var change txn.Change
	c := &cobra.Command{
		Use:     "install PACKAGE...",
		Example: "  apt-ostree install nginx git\n  apt-ostree install ./hello_2.10-3_all.deb\n  apt-ostree install --dry-run htop",
		Aliases: []string{"pkg-add"},
		Short:   "Layer packages on the base",
		Long: "Layer packages on the base: NAME[:ARCH][=VERSION|/SUITE], or files, ./NAME.deb or an address of one,\n" +
			"which are kept as they are through upgrades. The new deployment is made from the base commit and all\n" +
			"requests; the present one stays and can be rolled back to.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			change.Install, flags.files = splitFiles(args)
			if flags.live && !flags.dryRun {
				return a.installLive(c.Context(), change, flags)
			}
			return a.change(c.Context(), change, flags, "No change.")
		},
	}
	a.sysrootFlags(c)
	flags.add(c)
	flags.addCacheOnly(c)
	flags.addBoot(c)
	addDownloadOnly(c, &change)
	c.Flags().BoolVarP(&flags.live, "apply-live", "A", false, "make the packages visible in the running system too, without a reboot")
	c.MarkFlagsMutuallyExclusive("apply-live", "reboot")
	c.MarkFlagsMutuallyExclusive("apply-live", "download-only")
	c.Flags().StringSliceVar(&change.Uninstall, "uninstall", nil, "drop this request in the same change")
	c.Flags().BoolVar(&change.ForceReplaceFiles, "force-replacefiles", false, "let the files of local packages replace those of others")
	addRequestFlags(c, &change)
	yes := c.Flags().Lookup("assumeyes")
	yes.Usage, yes.Hidden = "make packages live (--apply-live) without asking", false
	return c
}

// installLive layers packages and makes them live, once the user has seen what that changes.
func (a *app) installLive(ctx context.Context, change txn.Change, flags changeFlags) error {
	if meant, err := a.confirm(ctx, change, flags); err != nil || !meant {
		return err
	}
	return a.change(ctx, change, flags, "No change.")
}

// confirm shows the plan and asks, where somebody can answer.
func (a *app) confirm(ctx context.Context, change txn.Change, flags changeFlags) (meant bool, err error) {
	switch {
	case flags.yes || flags.json:
		return true, nil
	case a.Ask == nil:
		fmt.Fprintln(a.Err, "warning: the packages become live without a question; --assumeyes says that this is meant")
		return true, nil
	}
	meant = true
	flags.preview = func(p *txn.Plan) error {
		if p.Unchanged {
			return nil
		}
		a.printPlan(p)
		var err error
		if meant, err = a.Ask("Continue? [y/N] "); err == nil && !meant {
			a.printf("Nothing was changed.\n")
		}
		return err
	}
	return meant, a.change(ctx, change, flags, "")
}

// addRequestFlags adds what all commands with requests have.
func addRequestFlags(c *cobra.Command, change *txn.Change) {
	c.Flags().BoolVar(&change.AllowInactive, "allow-inactive", false, "accept requests that the base provides already")
	c.Flags().BoolVar(&change.Idempotent, "idempotent", false, "accept requests that are there already, or not there to be dropped")
}
