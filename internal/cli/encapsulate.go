package cli

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/txn/container"
)

func (a *app) encapsulateCommand() *cobra.Command {
	var f imageFlags
	var path, previous string
	var keys, optional, cmd []string
	c := &cobra.Command{
		Use:   "container-encapsulate --repo=REPO COMMIT IMAGE",
		Short: "Write a commit as a container image",
		Long: "Write a commit as a container image that can be booted by bootc and this program. IMAGE is\n\n" +
			"  docker://REGISTRY/NAME:TAG   in a registry\n" +
			"  oci:PATH[:TAG]               an OCI layout in a directory\n" +
			"  oci-archive:PATH[:TAG]       the same in one file\n\n" +
			"Packages are divided among layers, so that the next version of the image shares most of them.",
		Example: "  apt-ostree compose container-encapsulate --repo=/srv/repo debian/bookworm/amd64/container oci:/srv/image:latest",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if path == "" {
				return errNoRepo
			}
			to, err := oci.ParseLocation(args[1])
			if err != nil {
				return err
			}
			opts, err := f.options(a)
			if err != nil {
				return err
			}
			opts.CopyMeta, opts.CopyMetaOptional, opts.Cmd = keys, optional, cmd
			if previous != "" {
				text, err := os.ReadFile(previous)
				if err != nil {
					return err
				}
				if opts.Previous, err = oci.ReadDivision(text); err != nil {
					return err
				}
			}
			repo, err := ostree.Open(path, ostree.Options{})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, repo.Close()) }()
			commit, err := repo.Resolve(c.Context(), args[0])
			if err != nil {
				return err
			}
			exported, err := container.Encapsulate(c.Context(), repo, commit, to, opts)
			if err != nil {
				return err
			}
			return f.wrote(a, to, exported)
		},
	}
	f.add(c)
	f.addOutput(c)
	c.Flags().StringVar(&path, "repo", "", "the repository with the commit")
	c.Flags().StringArrayVar(&keys, "copymeta", nil, "make a label of this `KEY` of the commit's metadata")
	c.Flags().StringArrayVar(&optional, "copymeta-opt", nil, "the same, if the commit has that `KEY`")
	c.Flags().StringArrayVar(&cmd, "cmd", nil, "the command of the container, one `WORD` at a time")
	c.Flags().StringVar(&previous, "previous-build-manifest", "", "divide the image like that of this manifest, a JSON `FILE`")
	return c
}
