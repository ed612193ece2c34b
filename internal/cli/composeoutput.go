package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

func (a *app) printComposePlan(p *compose.Plan, f composeFlags, took time.Duration) {
	a.warn(p.Warnings)
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
	a.warn(r.Warnings)
	if r.Unchanged && r.Commit.IsZero() { // only the input hash is known
		return a.unchanged(r, f)
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
	if f.touch != "" && !r.Unchanged {
		if err := touch(f.touch); err != nil {
			return err
		}
	}
	if f.json {
		_, err := a.Out.Write(document)
		return err
	}
	if r.Unchanged {
		return a.unchanged(r, f)
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

// unchanged tells that there was nothing to do.
func (a *app) unchanged(r *compose.Result, f composeFlags) error {
	if f.json {
		return a.printJSON(map[string]any{"ref": r.Plan.Ref, "apt-ostree-inputhash": r.Plan.InputHash})
	}
	a.printf("No apparent changes since previous commit; use --force-nocache to override\n")
	return nil
}

func (a *app) warn(warnings []string) {
	for _, w := range warnings {
		fmt.Fprintf(a.Err, "warning: %s\n", w)
	}
}

// touch makes a file, or gives it the present time.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Chtimes(path, time.Time{}, time.Now())
}
