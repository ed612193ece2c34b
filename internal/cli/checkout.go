package cli

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) checkoutCommand() *cobra.Command {
	var opts txn.CheckoutOptions
	c := &cobra.Command{
		Use:     "checkout COMMIT|INDEX PATH",
		Example: "  apt-ostree checkout 0 /var/tmp/tree\n  apt-ostree checkout --subpath=/usr/etc 0 /var/tmp/etc",
		Short:   "Write the tree of a commit or deployment to a directory",
		Long: "Write the tree of a commit, a ref or the deployment at an index to PATH, which must not exist. Files are copies.\n" +
			"Who is not root gets them without owners.",
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) (err error) {
			opts.UserMode = opts.UserMode || os.Geteuid() != 0
			system, err := a.system(c.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, system.Close()) }()
			commit, err := system.Checkout(c.Context(), args[0], args[1], opts)
			if err != nil {
				return err
			}
			a.printf("Checked out %s to %s\n", commit, args[1])
			return nil
		},
	}
	a.sysrootFlags(c)
	c.Flags().StringVar(&opts.Subpath, "subpath", "", "only this part of the tree")
	c.Flags().BoolVarP(&opts.UserMode, "user-mode", "U", false, "leave out owners and extended attributes")
	return c
}
