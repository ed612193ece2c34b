package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) dbCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "db COMMAND",
		Short: "Look into the package databases of commits",
	}
	c.AddCommand(a.dbListCommand(), a.dbDiffCommand(), a.dbVersionCommand())
	return c
}

// commits reads commits of the repository named by --repo, or of the system.
type commits struct {
	repo        *ostree.Repo
	deployments []txn.DeploymentStatus
	close       func() error
}

func (a *app) openCommits(ctx context.Context, repoPath string) (*commits, error) {
	if repoPath != "" {
		repo, err := ostree.Open(repoPath, ostree.Options{})
		if err != nil {
			return nil, err
		}
		return &commits{repo: repo, close: repo.Close}, nil
	}
	system, err := a.system(ctx)
	if err != nil {
		return nil, err
	}
	status, err := system.Status(ctx)
	if err != nil {
		return nil, errors.Join(err, system.Close())
	}
	return &commits{repo: system.Repo(), deployments: ofOneStateroot(status.Deployments, a.stateroot), close: system.Close}, nil
}

// commitsFlags adds the options of the commands that look into commits.
func (a *app) commitsFlags(c *cobra.Command, repo *string) {
	a.sysrootFlags(c)
	c.Flags().StringVarP(repo, "repo", "r", "", "look into this repository instead of the system's")
}

// onCommits opens the commits that the options name for as long as do runs.
func (a *app) onCommits(c *cobra.Command, repo string, do func(context.Context, *commits) error) error {
	store, err := a.openCommits(c.Context(), repo)
	if err != nil {
		return err
	}
	defer store.close() //nolint:errcheck // only read from
	return do(c.Context(), store)
}

// ofOneStateroot keeps the deployments that belong together: those of the stateroot asked for, of
// the booted one, or of the default.
func ofOneStateroot(all []txn.DeploymentStatus, name string) []txn.DeploymentStatus {
	if name == "" && len(all) > 0 {
		booted := slices.IndexFunc(all, func(d txn.DeploymentStatus) bool { return d.Booted })
		name = all[max(booted, 0)].Osname
	}
	return slices.DeleteFunc(slices.Clone(all), func(d txn.DeploymentStatus) bool { return d.Osname != name })
}

func (c *commits) packages(ctx context.Context, rev string) (ostree.Checksum, []*apt.Package, error) {
	sum, err := c.repo.Resolve(ctx, rev)
	if err != nil {
		return sum, nil, err
	}
	packages, err := txn.Packages(ctx, c.repo, sum)
	return sum, packages, err
}

func (a *app) dbListCommand() *cobra.Command {
	var repo string
	var asJSON bool
	c := &cobra.Command{
		Use:     "list REVISION... [PATTERN...]",
		Example: "  apt-ostree db list stable 'lib*'",
		Short:   "List the packages of commits",
		Long:    "List the packages of commits. Words that name no commit are patterns of package names.",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.onCommits(c, repo, func(ctx context.Context, store *commits) error {
				revisions, patterns, err := splitRevisions(ctx, store.repo, args)
				if err != nil {
					return err
				}
				return a.dbList(ctx, store, revisions, patterns, asJSON)
			})
		},
	}
	a.commitsFlags(c, &repo)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// splitRevisions separates commits from patterns: the first word must be a commit.
func splitRevisions(ctx context.Context, repo *ostree.Repo, args []string) (revisions, patterns []string, err error) {
	for i, arg := range args {
		if _, err := repo.Resolve(ctx, arg); err == nil {
			revisions = append(revisions, arg)
			continue
		} else if i == 0 {
			return nil, nil, err
		}
		if _, err := filepath.Match(arg, ""); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", arg, err)
		}
		patterns = append(patterns, arg)
	}
	return revisions, patterns, nil
}

func (a *app) dbList(ctx context.Context, store *commits, revisions, patterns []string, asJSON bool) error {
	out := map[string][]txn.PackageRef{}
	for _, rev := range revisions {
		sum, packages, err := store.packages(ctx, rev)
		if err != nil {
			return err
		}
		packages = slices.DeleteFunc(packages, func(p *apt.Package) bool { return !matches(p.Name, patterns) })
		if asJSON {
			list := make([]txn.PackageRef, 0, len(packages))
			for _, p := range packages {
				list = append(list, txn.NewPackageRef(p))
			}
			out[sum.String()] = list
			continue
		}
		a.printf("ostree commit: %s\n", describe(rev, sum))
		for _, p := range packages {
			a.printf(" %s\n", full(p))
		}
	}
	if asJSON {
		return a.printJSON(out)
	}
	return nil
}

// matches says whether name matches one of the patterns, or there are none.
func matches(name string, patterns []string) bool {
	if len(patterns) == 0 {
		return true
	}
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := filepath.Match(p, name)
		return ok && err == nil
	})
}

func describe(rev string, sum ostree.Checksum) string {
	if rev == sum.String() {
		return rev
	}
	return rev + " (" + sum.String() + ")"
}

func (a *app) dbDiffCommand() *cobra.Command {
	var repo, format string
	var base, changelogs bool
	c := &cobra.Command{
		Use:     "diff [FROM [TO]]",
		Example: "  apt-ostree db diff\n  apt-ostree db diff --format=diff stable debian/next",
		Short:   "Show how the packages of two commits differ",
		Long: "Show how the packages of two commits differ: by default from the booted deployment to the pending one,\n" +
			"or from the rollback deployment to the default one.",
		Args: cobra.MaximumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains([]string{"block", "diff", "json"}, format) {
				return fmt.Errorf("--format=%s: not one of block, diff, json", format)
			}
			return a.onCommits(c, repo, func(ctx context.Context, store *commits) error {
				from, to, err := store.ends(args, base)
				if err != nil {
					return err
				}
				return a.dbDiff(ctx, store, from, to, format, changelogs)
			})
		},
	}
	a.commitsFlags(c, &repo)
	c.Flags().StringVarP(&format, "format", "F", "block", "output `FORMAT`: block, diff or json")
	c.Flags().BoolVar(&base, "base", false, "compare the base commits of deployments")
	c.Flags().BoolVarP(&changelogs, "changelogs", "c", false, "print what is new in each package, where the commit has its changelog")
	return c
}

// end is one side of a difference.
type end struct{ rev, text string }

// ends chooses what to compare.
func (c *commits) ends(args []string, base bool) (from, to end, err error) {
	if len(args) == 2 {
		return end{args[0], args[0]}, end{args[1], args[1]}, nil
	}
	if len(c.deployments) < 2-len(args) {
		return from, to, errors.New("there are not two deployments to compare; name two commits")
	}
	at := func(i int, text string) end {
		d := c.deployments[i]
		if base && d.BaseChecksum != "" {
			return end{d.BaseChecksum, text}
		}
		return end{d.Checksum, text}
	}
	booted := slices.IndexFunc(c.deployments, func(d txn.DeploymentStatus) bool { return d.Booted })
	switch {
	case len(args) == 1 && booted >= 0:
		return at(booted, "booted deployment"), end{args[0], args[0]}, nil
	case len(args) == 1:
		return at(0, "pending deployment"), end{args[0], args[0]}, nil
	case booted > 0:
		return at(booted, "booted deployment"), at(0, "pending deployment"), nil
	case booted == 0:
		return at(1, "rollback deployment"), at(0, "booted deployment"), nil
	}
	return at(1, "rollback deployment"), at(0, "pending deployment"), nil
}

func (a *app) dbDiff(ctx context.Context, store *commits, from, to end, format string, changelogs bool) error {
	fromSum, before, err := store.packages(ctx, from.rev)
	if err != nil {
		return err
	}
	toSum, after, err := store.packages(ctx, to.rev)
	if err != nil {
		return err
	}
	diff := dpkg.Diff(before, after)
	switch format {
	case "json":
		return a.printJSON(txn.DiffDocument(fromSum, toSum, diff))
	case "diff":
		for _, line := range diffLines(diff) {
			a.printf("%s\n", line)
		}
		return nil
	}
	if from.rev != to.rev {
		a.printf("ostree diff commit from: %s\n", describe(from.text, fromSum))
		a.printf("ostree diff commit to:   %s\n", describe(to.text, toSum))
	}
	a.printChanges(diff)
	if !changelogs {
		return nil
	}
	tree, err := store.repo.FS(ctx, toSum)
	if err != nil {
		return err
	}
	return a.printChangelogs(tree, diff)
}

// diffLines prints a difference as sorted lines: ! old, = new, - removed, + added.
func diffLines(d dpkg.Changes) []string {
	type line struct{ name, text string }
	var lines []line
	for _, c := range slices.Concat(d.Upgraded, d.Downgraded) {
		lines = append(lines, line{c.To.Name, "!" + full(c.From)}, line{c.To.Name, "=" + full(c.To)})
	}
	for _, p := range d.Removed {
		lines = append(lines, line{p.Name, "-" + full(p)})
	}
	for _, p := range d.Added {
		lines = append(lines, line{p.Name, "+" + full(p)})
	}
	slices.SortStableFunc(lines, func(x, y line) int { return strings.Compare(x.name, y.name) })
	out := make([]string, 0, len(lines))
	for _, l := range lines {
		out = append(out, l.text)
	}
	return out
}
