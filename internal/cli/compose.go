package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

func (a *app) composeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "compose COMMAND",
		Short: "Build base commits",
	}
	c.AddCommand(a.composeTreeCommand())
	return c
}

// defaultCache is where composes keep what they download unless told otherwise.
const defaultCache = "/var/cache/apt-ostree/compose"

// composeFlags are the options of `compose tree`.
type composeFlags struct {
	repo, cacheDir, arch           string
	writeCommitID, writeJSON       string
	parent                         string
	noParent, force, dryRun, print bool
	cacheOnly, json                bool
	metadata                       []string
	unifiedCore                    bool
	unpacker                       string
}

func (a *app) composeTreeCommand() *cobra.Command {
	var f composeFlags
	c := &cobra.Command{
		Use:   "tree [TREEFILE]",
		Short: "Compose a commit from a treefile",
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
	flags := c.Flags()
	flags.StringVarP(&f.repo, "repo", "r", "", "write the commit to this repository (made if it does not exist)")
	flags.StringVar(&f.cacheDir, "cachedir", defaultCache, "keep metadata and packages in this directory")
	flags.StringVar(&f.arch, "arch", txn.NativeArchitecture(), "Debian architecture to compose for")
	flags.BoolVar(&f.force, "force-nocache", false, "compose even if nothing changed")
	flags.BoolVar(&f.cacheOnly, "cache-only", false, "use what is downloaded already, no network")
	flags.BoolVarP(&f.dryRun, "dry-run", "n", false, "print what would be composed and stop")
	flags.BoolVar(&f.print, "print-only", false, "print the merged treefile as JSON and stop")
	flags.BoolVar(&f.json, "json", false, "print JSON: what was composed, or the plan of --dry-run")
	flags.StringVar(&f.writeCommitID, "write-commitid-to", "", "write the checksum to this file and leave the ref alone")
	flags.StringVar(&f.writeJSON, "write-composejson-to", "", "write statistics as JSON to this file")
	flags.StringVar(&f.parent, "parent", "", "parent of the new commit, instead of the ref's")
	flags.BoolVar(&f.noParent, "no-parent", false, "make a commit without parent")
	flags.StringArrayVar(&f.metadata, "add-metadata-string", nil, "add `KEY=VALUE` to the commit's metadata")
	flags.BoolVar(&f.unifiedCore, "unified-core", true, "for compatibility; this is the only mode")
	hide(c, "unified-core")
	addUnpacker(c, &f.unpacker)
	c.MarkFlagsMutuallyExclusive("parent", "no-parent")
	return c
}

func (f *composeFlags) treefile(args []string) (*compose.Treefile, error) {
	opts := compose.LoadOptions{Architecture: f.arch}
	if len(args) == 0 {
		return compose.Embedded(opts)
	}
	return compose.Load(args[0], opts)
}

func (a *app) composeTree(ctx context.Context, tree *compose.Treefile, f composeFlags) error {
	if f.repo == "" {
		return errors.New("--repo is required")
	}
	if err := checkUnpacker(f.unpacker); err != nil {
		return err
	}
	metadata, err := metadataStrings(f.metadata)
	if err != nil {
		return err
	}
	timestamp, err := a.timestamp()
	if err != nil {
		return err
	}
	repo, closeRepo, err := openOrInit(f.repo, f.dryRun)
	if err != nil {
		return err
	}
	defer closeRepo()
	composer, err := compose.New(compose.Options{
		Repo: repo, Treefile: tree, CacheDir: f.cacheDir, Timestamp: timestamp, Logger: a.logger(),
		NoParent: f.noParent, Parent: f.parent, NoRef: f.writeCommitID != "", Force: f.force, Offline: f.cacheOnly,
		Unpacker: assemble.UnpackMode(f.unpacker),
		Metadata: metadata, Runner: a.Options.Runner, HTTP: a.Options.HTTP,
	})
	if err != nil {
		return err
	}
	unlock, err := composer.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock() //nolint:errcheck // it goes away with the process
	start := time.Now()
	plan, err := composer.Plan(ctx)
	if err != nil {
		return err
	}
	a.printComposePlan(plan, f, time.Since(start))
	if f.dryRun {
		return a.endDryRun(plan, f)
	}
	result, err := composer.Apply(ctx, plan, a.reporter())
	if err != nil {
		return err
	}
	return a.composed(ctx, repo, result, f)
}

// openOrInit opens a repository, or makes one where there is nothing; for a dry run an empty one
// elsewhere, which goes away when it is closed.
func openOrInit(path string, dry bool) (repo *ostree.Repo, closeRepo func(), err error) {
	closeRepo = func() { repo.Close() } // everything was synced before
	repo, err = ostree.Open(path, ostree.Options{})
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return repo, closeRepo, err
	}
	if there, _ := os.ReadDir(path); len(there) > 0 { // if it cannot be read, Init says why
		return nil, nil, err
	}
	if dry {
		if path, err = os.MkdirTemp("", "apt-ostree-"); err != nil {
			return nil, nil, err
		}
		closeRepo = func() {
			repo.Close()       // nothing was written
			os.RemoveAll(path) //nolint:errcheck // a few empty directories in the temporary one
		}
	}
	repo, err = ostree.Init(path, ostree.ModeBare, ostree.Options{})
	return repo, closeRepo, err
}

func metadataStrings(pairs []string) (ostree.Metadata, error) {
	var m ostree.Metadata
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("--add-metadata-string=%s: not of the form KEY=VALUE", pair)
		}
		m = append(m, ostree.MetadataEntry{Key: key, Value: gvariant.String(value)})
	}
	return m, nil
}

func (a *app) printComposePlan(p *compose.Plan, f composeFlags, took time.Duration) {
	if f.json || a.quiet {
		return
	}
	a.printf("Resolved %d packages in %.1f s; %s to download, %s installed\n",
		len(p.Packages), took.Seconds(), size(p.DownloadSize), size(p.InstalledSize))
	a.printf("Input state hash: %s\n", p.InputHash)
}

func (a *app) endDryRun(p *compose.Plan, f composeFlags) error {
	if f.json {
		return a.printJSON(p)
	}
	for _, pkg := range p.Packages {
		a.printf("  %s_%s_%s (%s)\n", pkg.Name, pkg.Version, pkg.Architecture, pkg.Suite)
	}
	return nil
}

// composed tells what was composed and writes the files asked for.
func (a *app) composed(ctx context.Context, repo *ostree.Repo, r *compose.Result, f composeFlags) error {
	for _, w := range r.Warnings {
		fmt.Fprintf(a.Err, "warning: %s\n", w)
	}
	document, err := compose.Document(ctx, repo, r)
	if err != nil {
		return err
	}
	if f.writeJSON != "" {
		if err := writeFile(f.writeJSON, document); err != nil {
			return err
		}
	}
	if f.writeCommitID != "" {
		if err := writeFile(f.writeCommitID, []byte(r.Commit.String()+"\n")); err != nil {
			return err
		}
	}
	if f.json {
		_, err := a.Out.Write(document)
		return err
	}
	if r.Unchanged {
		a.printf("No apparent changes since previous commit; use --force-nocache to override\n")
		return nil
	}
	a.printf("Metadata total %d, written %d; content total %d, written %d (%s)\n",
		r.Stats.MetadataTotal, r.Stats.MetadataWritten, r.Stats.ContentTotal, r.Stats.ContentWritten,
		size(r.Stats.ContentBytesWritten))
	if r.Plan.Ref != "" && f.writeCommitID == "" {
		a.printf("%s => %s\n", r.Plan.Ref, r.Commit)
	} else {
		a.printf("%s\n", r.Commit)
	}
	return nil
}
