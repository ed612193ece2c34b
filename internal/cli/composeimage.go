package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
	"github.com/apt-ostree/apt-ostree/pkg/txn/container"
)

// composeImage is one run of `compose image`.
type composeImage struct {
	image               imageFlags
	compose             composeFlags
	format, mode, touch string
	initialize          bool
}

func (a *app) composeImageCommand() *cobra.Command {
	var f composeImage
	c := &cobra.Command{
		Use:   "image TREEFILE OUTPUT",
		Short: "Compose a container image from a treefile",
		Long: "Compose a commit from a treefile, as compose tree does, and write it as a container image. If there is an image at\n" +
			"OUTPUT the new one is divided into layers like it, and an image of the same commit is left alone.",
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			to, mode, err := f.target(args[1])
			if err != nil {
				return err
			}
			f.image.arch, f.image.json = f.compose.arch, f.compose.json
			f.compose.repo = filepath.Join(f.compose.cacheDir, "repo")
			tree, err := f.compose.treefile(args[:1])
			if err != nil {
				return err
			}
			return a.composeImage(c.Context(), tree, to, mode, f)
		},
	}
	f.image.add(c)
	f.compose.addSources(c)
	f.compose.addPlan(c)
	flags := c.Flags()
	flags.StringVar(&f.format, "format", "ociarchive", "what OUTPUT is: ociarchive or oci, a path; registry, a name")
	flags.BoolVarP(&f.initialize, "initialize", "i", false, "do not look for an earlier image; the same as --initialize-mode=always")
	flags.StringVar(&f.mode, "initialize-mode", string(container.Query), "an earlier image must be there (query), may be (if-not-exists), is not looked at (always), must not be there (never)")
	flags.BoolVar(&f.compose.force, "force-nocache", false, "compose even if nothing changed")
	flags.BoolVar(&f.compose.cacheOnly, "offline", false, "use what is downloaded already, no network")
	flags.StringVar(&f.compose.layerRepo, "layer-repo", "", "take the layers of the treefile from this repository")
	flags.StringVar(&f.touch, "touch-if-changed", "", "update the time of this `FILE` if an image was written")
	c.MarkFlagsMutuallyExclusive("initialize", "initialize-mode")
	return c
}

// target is what OUTPUT means, and what is expected there.
func (f *composeImage) target(output string) (oci.Location, container.Initialize, error) {
	mode := container.Initialize(f.mode)
	if f.initialize {
		mode = container.Always
	}
	switch mode {
	case container.Query, container.IfNotExists, container.Always, container.Never:
	default:
		return oci.Location{}, mode, fmt.Errorf("--initialize-mode=%s: known are query, if-not-exists, always and never", f.mode)
	}
	switch f.format {
	case "ociarchive":
		return oci.Location{Transport: oci.Archive, Name: output}, mode, nil
	case "oci":
		return oci.Location{Transport: oci.Layout, Name: output}, mode, nil
	case "registry":
		return oci.Location{Transport: oci.Registry, Name: output}, mode, nil
	}
	return oci.Location{}, mode, fmt.Errorf("--format=%s: known are ociarchive, oci and registry", f.format)
}

func (a *app) composeImage(ctx context.Context, tree *compose.Treefile, to oci.Location, mode container.Initialize, f composeImage) error {
	opts, err := f.image.options(a)
	if err != nil {
		return err
	}
	return a.withComposer(ctx, tree, f.compose, func(repo *ostree.Repo, composer *compose.Composer) error {
		plan, err := a.planCompose(ctx, composer, f.compose)
		if err != nil {
			return err
		}
		if f.compose.dryRun {
			return a.endDryRun(plan, f.compose)
		}
		result, err := composer.Apply(ctx, plan, a.reporter())
		if err != nil {
			return err
		}
		a.warn(result.Warnings)
		if result.Commit.IsZero() { // only the input hash of an unchanged one is known
			return a.unchanged(result, f.compose)
		}
		return a.publishImage(ctx, repo, result.Commit, to, mode, opts, f)
	})
}

// publishImage writes the image, unless there is one of the same commit.
func (a *app) publishImage(ctx context.Context, repo *ostree.Repo, commit ostree.Checksum, to oci.Location, mode container.Initialize, opts oci.ExportOptions, f composeImage) error {
	published, err := container.Publish(ctx, repo, commit, to, mode, opts)
	if err != nil {
		return imageHint(err)
	}
	if published.Unchanged {
		if f.image.json {
			return a.printJSON(published.Exported)
		}
		a.printf("No apparent changes since the image at %s\n", to)
		return nil
	}
	if f.touch != "" {
		if err := touch(f.touch); err != nil {
			return err
		}
	}
	if published.Reused > 0 && !f.image.json {
		a.printf("%d of %d layers are those of the image before (%s)\n", published.Reused, len(published.Layers), size(published.ReusedSize))
	}
	return f.image.wrote(a, to, published.Exported)
}

// imageHint says how the first image is made.
func imageHint(err error) error {
	if errors.Is(err, oci.ErrNotFound) {
		return fmt.Errorf("%w; --initialize makes the first one", err)
	}
	return err
}
