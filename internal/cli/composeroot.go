package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

func (a *app) composeInstallCommand() *cobra.Command {
	var f composeFlags
	var postprocess bool
	c := &cobra.Command{
		Use:   "install TREEFILE DESTDIR",
		Short: "Install the packages of a treefile into a directory",
		Long: "Install the packages of a treefile into DESTDIR/rootfs and run its scripts there. The tree has the shape of\n" +
			"Debian and can be changed; `compose postprocess` and `compose commit` make a commit of it. With --repo the\n" +
			"previous commit of the treefile's ref counts as in `compose tree`: if nothing changed, nothing is installed.",
		Example: "  apt-ostree compose install host.yaml /var/tmp/build",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			root := filepath.Join(args[1], "rootfs")
			return a.composeRoot(c.Context(), args[0], root, f, func(ctx context.Context, composer *compose.Composer, plan *compose.Plan) error {
				if err := composer.Install(ctx, plan, root, a.reporter()); err != nil || !postprocess {
					return err
				}
				return composer.Postprocess(ctx, root, a.reporter())
			})
		},
	}
	f.addSources(c)
	f.addPlan(c)
	f.addRepo(c, "compare with the previous commit in this repository")
	c.Flags().BoolVar(&f.force, "force-nocache", false, "install even if nothing changed")
	c.Flags().BoolVar(&postprocess, "postprocess", false, "postprocess the tree as well")
	return c
}

func (a *app) composeRootfsCommand() *cobra.Command {
	var f composeFlags
	c := &cobra.Command{
		Use:   "rootfs TREEFILE DEST",
		Short: "Make the finished tree of a treefile in a directory",
		Long: "Make the finished tree of a treefile in the directory DEST, which must not exist: what a commit has, but with\n" +
			"/etc in its place, as the root of a container image has it.",
		Example: "  apt-ostree compose rootfs host.yaml /var/tmp/rootfs",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.composeRoot(c.Context(), args[0], args[1], f, func(ctx context.Context, composer *compose.Composer, plan *compose.Plan) error {
				return composer.Rootfs(ctx, plan, args[1], a.reporter())
			})
		},
	}
	f.addSources(c)
	f.addPlan(c)
	f.addRepo(c, "take the previous commit, whose accounts keep their ids, and layers from this repository")
	c.Flags().Lookup("repo").Hidden = true
	f.force = true
	return c
}

// composeRoot plans the tree of a treefile and lets do make it at root, where nothing must be.
func (a *app) composeRoot(ctx context.Context, treefile, root string, f composeFlags, do func(context.Context, *compose.Composer, *compose.Plan) error) error {
	tree, err := f.treefile([]string{treefile})
	if err != nil {
		return err
	}
	if _, err := os.Lstat(root); err == nil {
		return fmt.Errorf("%s is there already: name another directory, or remove it", root)
	}
	return a.withComposer(ctx, tree, f, func(_ *ostree.Repo, composer *compose.Composer) error {
		plan, err := a.planCompose(ctx, composer, f)
		switch {
		case err != nil:
			return err
		case f.dryRun:
			return a.endDryRun(plan, f)
		case plan.Unchanged:
			return a.unchanged(&compose.Result{Plan: plan}, f)
		}
		if err := os.MkdirAll(filepath.Dir(root), 0o755); err != nil {
			return err
		}
		if err := do(ctx, composer, plan); err != nil {
			return err
		}
		return a.madeRoot(root, f)
	})
}

// madeRoot says where a tree is.
func (a *app) madeRoot(root string, f composeFlags) error {
	if f.json {
		return a.printJSON(map[string]string{"rootfs": root})
	}
	a.printf("%s\n", root)
	return nil
}

func (a *app) composePostprocessCommand() *cobra.Command {
	var f composeFlags
	c := &cobra.Command{
		Use:   "postprocess ROOTFS [TREEFILE]",
		Short: "Give an installed tree the shape of a commit",
		Long: "Give a tree that `compose install` made the shape of a commit: an initramfs, /usr/etc in place of /etc, an empty\n" +
			"/var. Without a treefile the one counts that the tree was installed from.",
		Example: "  apt-ostree compose postprocess /var/tmp/build/rootfs host.yaml",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			treefile := filepath.Join(args[0], compose.TreefilePath)
			if len(args) == 2 {
				treefile = args[1]
			}
			tree, err := f.treefile([]string{treefile})
			if err != nil {
				return err
			}
			return a.withComposer(c.Context(), tree, f, func(_ *ostree.Repo, composer *compose.Composer) error {
				if err := composer.Postprocess(c.Context(), args[0], a.reporter()); err != nil {
					return err
				}
				return a.madeRoot(args[0], f)
			})
		},
	}
	f.addSources(c)
	return c
}

func (a *app) composeCommitCommand() *cobra.Command {
	var f composeFlags
	c := &cobra.Command{
		Use:   "commit TREEFILE ROOTFS",
		Short: "Commit an installed tree",
		Long: "Commit a tree that `compose install` made, postprocessed or not. Without changes in between it is the commit that\n" +
			"`compose tree` makes of the treefile. Such changes are not part of the input hash: after them, compose the next\n" +
			"commit with --force-nocache.",
		Example: "  apt-ostree compose commit host.yaml /var/tmp/build/rootfs --repo=/srv/repo",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			tree, err := f.treefile(args[:1])
			if err != nil {
				return err
			}
			if f.repo == "" {
				return errNoRepo
			}
			return a.withComposer(c.Context(), tree, f, func(repo *ostree.Repo, composer *compose.Composer) error {
				plan, err := composer.PlanRoot(c.Context(), args[1])
				if err != nil {
					return err
				}
				result, err := composer.Commit(c.Context(), plan, args[1], a.reporter())
				if err != nil {
					return err
				}
				return a.composed(c.Context(), repo, result, f)
			})
		},
	}
	f.addSources(c)
	f.addRepo(c, "write the commit to this repository (made if it does not exist)")
	f.addPrevious(c)
	f.addCommit(c)
	return c
}
