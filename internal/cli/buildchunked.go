package cli

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/txn/container"
)

// buildChunked is one run of `compose build-chunked-oci`.
type buildChunked struct {
	image                          imageFlags
	rootfs, from, output, previous string
	bootc                          bool
}

func (a *app) buildChunkedCommand() *cobra.Command {
	var f buildChunked
	c := &cobra.Command{
		Use:   "build-chunked-oci --output=IMAGE (--rootfs=DIR | --from=IMAGE)",
		Short: "Divide a root file system or image into layers by packages",
		Long: "Write a container image with a layer for each of the larger packages, of a root file system, or of another image\n" +
			"whose layers came about in any other way. Images are named as for container-encapsulate.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.output == "" {
				return errors.New("--output is required")
			}
			return a.buildChunked(c.Context(), f)
		},
	}
	f.image.add(c)
	f.image.addOutput(c)
	flags := c.Flags()
	flags.StringVar(&f.rootfs, "rootfs", "", "divide the root file system in this directory")
	flags.StringVar(&f.from, "from", "", "divide this `IMAGE`")
	flags.StringVar(&f.output, "output", "", "write this `IMAGE`")
	flags.StringVar(&f.previous, "previous-build", "", "divide like this `IMAGE`")
	flags.BoolVar(&f.bootc, "bootc", true, "for compatibility; there is no other kind of image")
	hide(c, "bootc")
	c.MarkFlagsOneRequired("rootfs", "from")
	c.MarkFlagsMutuallyExclusive("rootfs", "from")
	return c
}

func (a *app) buildChunked(ctx context.Context, f buildChunked) (err error) {
	to, err := oci.ParseLocation(f.output)
	if err != nil {
		return err
	}
	opts, err := f.image.options(a)
	if err != nil {
		return err
	}
	if f.previous != "" {
		if opts.Previous, err = division(ctx, f.previous, opts.Options); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("/var/tmp", "apt-ostree-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	mode := ostree.ModeBareUser
	if os.Geteuid() == 0 {
		mode = ostree.ModeBare
	}
	// Nothing of it outlives the command, so nothing has to be on disk.
	repo, err := ostree.Init(dir+"/repo", mode, ostree.Options{NoSync: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	commit, err := a.chunkedSource(ctx, repo, f, opts.Options)
	if err != nil {
		return err
	}
	exported, err := container.Encapsulate(ctx, repo, commit, to, opts)
	if err != nil {
		return err
	}
	return f.image.wrote(a, to, exported)
}

// chunkedSource brings what is to be divided into a repository.
func (a *app) chunkedSource(ctx context.Context, repo *ostree.Repo, f buildChunked, opts oci.Options) (ostree.Checksum, error) {
	if f.rootfs != "" {
		at, err := a.timestamp()
		if err != nil {
			return ostree.Checksum{}, err
		}
		return container.CommitRoot(ctx, repo, f.rootfs, at)
	}
	from, err := oci.ParseLocation(f.from)
	if err != nil {
		return ostree.Checksum{}, err
	}
	image, err := oci.Open(ctx, from, opts)
	if err != nil {
		return ostree.Checksum{}, err
	}
	imported, err := image.Import(ctx, repo, oci.ImportOptions{})
	if err := errors.Join(err, image.Close()); err != nil {
		return ostree.Checksum{}, err
	}
	return container.Flatten(ctx, repo, imported.Commit)
}

// division of the image at a place.
func division(ctx context.Context, name string, opts oci.Options) (oci.Division, error) {
	at, err := oci.ParseLocation(name)
	if err != nil {
		return nil, err
	}
	image, err := oci.Open(ctx, at, opts)
	if err != nil {
		return nil, err
	}
	return image.Division(), image.Close()
}
