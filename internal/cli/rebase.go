package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) rebaseCommand() *cobra.Command {
	var flags changeFlags
	var noDowngrade, experimental bool
	var change txn.Change
	var rebase txn.Rebase
	c := &cobra.Command{
		Use:     "rebase REFSPEC [REVISION]",
		Example: "  apt-ostree rebase :debian/next",
		Short:   "Switch to another base",
		Long: "Follow another ref from now on, and take its newest commit, or REVISION, as base. REFSPEC is\n\n" +
			"  REMOTE:BRANCH      a ref of a remote\n" +
			"  REMOTE:  BRANCH    the other half stays\n" +
			"  :BRANCH            a ref of the system's own repository\n" +
			"  [REMOTE:]CHECKSUM  one commit, to stay on\n" +
			"  /PATH:BRANCH       the commit of a ref of a repository on this machine, to stay on\n" +
			"  ostree-unverified-registry:NAME\n" +
			"                     a container image\n\n" +
			"REVISION is a version or a checksum in its history, or the digest of an image. docs/containers.md has the other\n" +
			"references of images.",
		Args: cobra.MaximumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) > 0:
				rebase.Refspec = args[0]
			case rebase.Remote == "" && rebase.Branch == "":
				return errors.New("rebase needs a REFSPEC, --remote or --branch")
			}
			if len(args) > 1 {
				rebase.Revision = args[1]
			}
			change.Rebase = &rebase
			change.AllowDowngrade = !noDowngrade
			return a.change(c.Context(), change, flags, "No change.")
		},
	}
	a.addBaseFlags(c, &flags, &change)
	c.Flags().StringVarP(&rebase.Branch, "branch", "b", "", "rebase to this `BRANCH` of the same remote, or of --remote")
	c.Flags().StringVarP(&rebase.Remote, "remote", "m", "", "rebase to the same branch of this `REMOTE`, or to --branch")
	c.Flags().BoolVar(&rebase.SkipPurge, "skip-purge", false, "keep the ref that was followed so far")
	c.Flags().StringVar(&rebase.CustomURL, "custom-origin-url", "", "machine-readable name of where a commit to stay on comes from")
	c.Flags().StringVar(&rebase.CustomDescription, "custom-origin-description", "", "text about where a commit to stay on comes from")
	c.Flags().BoolVar(&noDowngrade, "disallow-downgrade", false, "refuse a base that is older than the present one")
	c.Flags().BoolVar(&experimental, "experimental", false, "for compatibility; nothing is experimental")
	hide(c, "experimental")
	c.MarkFlagsRequiredTogether("custom-origin-url", "custom-origin-description")
	return c
}
