package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

// extensionsFlags are the options of `compose extensions` besides those of other composes.
type extensionsFlags struct {
	composeFlags
	baseRev, rootfs, outputDir string
}

func (a *app) composeExtensionsCommand() *cobra.Command {
	var f extensionsFlags
	c := &cobra.Command{
		Use:   "extensions TREEFILE EXTENSIONS",
		Short: "Download extension packages that fit a base",
		Long: "Download the packages of extensions into a directory: sets of packages that are offered beside a base commit. They\n" +
			"are resolved on top of the commit of the treefile's ref, of --base-rev or of the tree in --rootfs, none of whose\n" +
			"packages changes. Beside them is extensions.json, which says what they are.",
		Example: "  apt-ostree compose extensions host.yaml extensions.yaml --repo=/srv/repo --output-dir=/srv/extensions",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			tree, err := f.treefile(args[:1])
			if err != nil {
				return err
			}
			extensions, err := compose.LoadExtensions(args[1], compose.LoadOptions{Architecture: f.arch})
			if err != nil {
				return err
			}
			return a.withComposer(c.Context(), tree, f.composeFlags, func(_ *ostree.Repo, composer *compose.Composer) error {
				return a.composeExtensions(c.Context(), composer, extensions, f)
			})
		},
	}
	f.addSources(c)
	flags := c.Flags()
	flags.StringVarP(&f.repo, "repo", "r", "", "look for the base in this repository")
	flags.StringVar(&f.baseRev, "base-rev", "", "commit to resolve on (default: that of the treefile's ref)")
	flags.StringVar(&f.rootfs, "rootfs", "", "resolve on the tree in this `DIR` instead of a commit")
	flags.StringVar(&f.outputDir, "output-dir", "", "put the packages into this `DIR`")
	flags.BoolVarP(&f.dryRun, "dry-run", "n", false, "print which packages and stop")
	flags.StringVar(&f.touch, "touch-if-changed", "", "update the time of this `FILE` if the extensions changed")
	c.MarkFlagsOneRequired("repo", "rootfs")
	c.MarkFlagsMutuallyExclusive("repo", "rootfs")
	c.MarkFlagsMutuallyExclusive("base-rev", "rootfs")
	c.MarkFlagsOneRequired("output-dir", "dry-run")
	return c
}

func (a *app) composeExtensions(ctx context.Context, composer *compose.Composer, extensions *compose.Extensions, f extensionsFlags) error {
	base, err := basePackages(ctx, composer, f)
	if err != nil {
		return err
	}
	plan, err := composer.PlanExtensions(ctx, extensions, base)
	if err != nil {
		return err
	}
	if f.json {
		if err := a.printJSON(plan); err != nil {
			return err
		}
	} else if f.dryRun {
		for _, p := range plan.Packages {
			a.printf("  %s_%s_%s (%s)\n", p.Name, p.Version, p.Architecture, p.Suite)
		}
	}
	if f.dryRun {
		return nil
	}
	changed, err := composer.WriteExtensions(ctx, plan, f.outputDir, a.reporter())
	if err != nil {
		return err
	}
	if changed && f.touch != "" {
		if err := touch(f.touch); err != nil {
			return err
		}
	}
	switch {
	case f.json:
	case changed:
		a.printf("%d packages of %d extensions in %s\n", len(plan.Packages), len(plan.Extensions), f.outputDir)
	default:
		a.printf("No apparent changes since previous extensions\n")
	}
	return nil
}

func basePackages(ctx context.Context, composer *compose.Composer, f extensionsFlags) ([]*apt.Package, error) {
	if f.rootfs != "" {
		return compose.RootPackages(f.rootfs)
	}
	return composer.BasePackages(ctx, f.baseRev)
}
