package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

func (a *app) composeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "compose COMMAND",
		Short: "Build base commits and container images",
	}
	c.AddCommand(
		a.composeTreeCommand(), a.composeInstallCommand(), a.composePostprocessCommand(), a.composeCommitCommand(),
		a.composeRootfsCommand(), a.composeExtensionsCommand(), a.composeImageCommand(), a.encapsulateCommand(), a.buildChunkedCommand(),
	)
	return c
}

func (a *app) composeTreeCommand() *cobra.Command {
	var f composeFlags
	c := &cobra.Command{
		Use:     "tree [TREEFILE]",
		Example: "  apt-ostree compose tree host.yaml --repo=/srv/repo\n  apt-ostree compose tree --print-only host.yaml",
		Short:   "Compose a commit from a treefile",
		Long: "Compose a commit from a treefile: fetch and verify what the archives offer, solve, download, unpack and\n" +
			"configure in a sandbox, commit. Without a treefile a minimal bootable Debian 12 is composed.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			tree, err := f.treefile(args)
			if err != nil {
				return err
			}
			if f.print {
				text, err := tree.JSON()
				a.printf("%s", text)
				return err
			}
			return a.composeTree(c.Context(), tree, f)
		},
	}
	f.addSources(c)
	f.addPlan(c)
	f.addRepo(c, "write the commit to this repository (made if it does not exist)")
	f.addCommit(c)
	flags := c.Flags()
	flags.BoolVar(&f.force, "force-nocache", false, "compose even if nothing changed")
	flags.BoolVar(&f.download, "download-only", false, "download the packages and put them into the package cache, then stop")
	flags.BoolVar(&f.downloadDebs, "download-only-debs", false, "download the packages as files, then stop")
	flags.BoolVar(&f.print, "print-only", false, "print the merged treefile as JSON and stop")
	flags.StringVar(&f.touch, "touch-if-changed", "", "update the time of this `FILE` if there is a new commit")
	flags.BoolVar(&f.unifiedCore, "unified-core", true, "for compatibility; this is the only mode")
	hide(c, "unified-core")
	c.MarkFlagsMutuallyExclusive("dry-run", "download-only", "download-only-debs")
	return c
}

func (a *app) composeTree(ctx context.Context, tree *compose.Treefile, f composeFlags) error {
	if f.repo == "" {
		return errNoRepo
	}
	return a.withComposer(ctx, tree, f, func(repo *ostree.Repo, composer *compose.Composer) error {
		plan, err := a.planCompose(ctx, composer, f)
		switch {
		case err != nil:
			return err
		case f.dryRun:
			return a.endDryRun(plan, f)
		case f.download, f.downloadDebs:
			return a.composeDownload(ctx, composer, plan, f)
		}
		result, err := composer.Apply(ctx, plan, a.reporter())
		if err != nil {
			return err
		}
		return a.composed(ctx, repo, result, f)
	})
}

// planCompose plans, tells what, and writes the lockfile that is asked for.
func (a *app) planCompose(ctx context.Context, composer *compose.Composer, f composeFlags) (*compose.Plan, error) {
	start := time.Now()
	plan, err := composer.Plan(ctx)
	if err != nil {
		return nil, err
	}
	a.printComposePlan(plan, f, time.Since(start))
	if f.writeLockfile == "" {
		return plan, nil
	}
	text, err := plan.Lockfile().JSON()
	if err != nil {
		return nil, err
	}
	return plan, writeFile(f.writeLockfile, text)
}

// composeDownload fetches the packages of a plan, and makes the commits of which trees are put together.
func (a *app) composeDownload(ctx context.Context, composer *compose.Composer, plan *compose.Plan, f composeFlags) error {
	fetch := composer.Download
	if f.download {
		fetch = composer.Import
	}
	files, err := fetch(ctx, plan, a.reporter())
	if err != nil {
		return err
	}
	if f.json {
		return a.printJSON(map[string]any{"files": files})
	}
	for _, file := range files {
		a.printf("%s\n", file)
	}
	return nil
}
