package txn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// baseSource is where a base comes from, if it is not in the repository: a remote of its
// configuration, or another repository on this machine.
type baseSource struct{ remote, local string }

// PartialError says that a base was looked at, to find out whether there is something new, but not
// downloaded.
type PartialError struct {
	Commit  ostree.Checksum
	Refspec string
}

func (e *PartialError) Error() string {
	return fmt.Sprintf("commit %s of %s is not downloaded, and the cache only was to be used", e.Commit, e.Refspec)
}

// plannedPaths is what a plan reads of a base that is not downloaded yet: its packages, its default
// configuration and how it was made. That is a small part of it.
func plannedPaths() []string {
	paths := []string{"/usr/etc", "/usr/share/apt-ostree"}
	for _, dir := range dpkg.Directories() {
		paths = append(paths, "/"+dir)
	}
	return paths
}

// pullFrom pulls from wherever it comes from, with signatures as they are configured.
func (s *System) pullFrom(ctx context.Context, from baseSource, opts ostree.PullOptions) error {
	if from.local == "" {
		_, err := s.Repo().Pull(ctx, from.remote, opts)
		return err
	}
	src, err := ostree.Open(from.local, ostree.Options{})
	if err != nil {
		return err
	}
	_, err = s.Repo().PullLocal(ctx, src, opts)
	return errors.Join(err, src.Close())
}

// remoteOf is the remote that a refspec can be pulled from now, "" if it is a local ref or if the
// network is not to be used.
func (s *System) remoteOf(ref ostree.Refspec, c Change) string {
	if c.CacheOnly || c.NoPull {
		return ""
	}
	return ref.Remote
}

// newest finds the newest commit of a ref. Of a remote's only the commit itself is fetched, unless it
// is older than the base of now.
func (s *System) newest(ctx context.Context, p *Plan, ref ostree.Refspec) (ostree.Checksum, error) {
	if remote := s.remoteOf(ref, p.Change); remote != "" {
		opts := ostree.PullOptions{Refs: []ostree.PullRef{{Ref: ref.Ref}}, CommitOnly: true}
		if !p.Change.AllowDowngrade && !p.Base.IsZero() {
			opts.TimestampCheckFrom = p.Base.String()
		}
		if err := s.pullFrom(ctx, baseSource{remote: remote}, opts); err != nil {
			return ostree.Checksum{}, olderBase(err)
		}
	}
	return s.Repo().Resolve(ctx, ref.String())
}

// olderBase is the error of a pull as the one of checkDowngrade.
func olderBase(err error) error {
	older, ok := errors.AsType[*ostree.OlderCommitError](err)
	if !ok {
		return err
	}
	return newDowngradeError(older.Commit, older.Time, older.Current, older.CurrentTime)
}

// look makes sure that a plan can read a base: what is needed of it is fetched. Whether the rest has to
// be is noted in the plan.
func (s *System) look(ctx context.Context, p *Plan, c ostree.Checksum, from baseSource, refspec string) error {
	whole, err := s.isWhole(ctx, c)
	if err != nil || whole {
		return err
	}
	if from == (baseSource{}) {
		return &PartialError{Commit: c, Refspec: refspec}
	}
	p.PullBase, p.from = true, from
	return s.pullFrom(ctx, from, ostree.PullOptions{Refs: []ostree.PullRef{{Commit: c}}, Subpaths: plannedPaths()})
}

// isWhole says whether a commit is here with everything in it.
func (s *System) isWhole(ctx context.Context, c ostree.Checksum) (bool, error) {
	has, err := s.Repo().Has(ctx, ostree.ObjectName{Checksum: c, Type: ostree.ObjectCommit})
	if err != nil || !has {
		return false, err
	}
	partial, err := s.Repo().IsPartial(c)
	return !partial, err
}

// heldRef keeps a downloaded base that no other ref keeps until it is deployed.
var heldRef = ostree.Refspec{Ref: "apt-ostree/held"}

// pull downloads the base.
func (a *application) pull(ctx context.Context, task *step.Task) error {
	opts := ostree.PullOptions{
		Refs: []ostree.PullRef{{Commit: a.plan.Base}}, DeltaFrom: a.plan.PresentBase,
		Progress: func(p ostree.PullProgress) {
			if p.TotalDeltaSize > 0 {
				task.Progress("static delta", p.DeltaSize, p.TotalDeltaSize, step.Bytes)
				return
			}
			done := p.FetchedMetadata + p.FetchedContent + p.ImportedMetadata + p.ImportedContent
			task.Progress("objects", int64(done), int64(max(done, p.RequestedMetadata+p.RequestedContent)), step.Items)
		},
	}
	return a.system.pullFrom(ctx, a.plan.from, opts)
}

// hold keeps what was downloaded only, until it is deployed or cleaned up.
func (a *application) hold(ctx context.Context, _ *step.Task) error {
	return a.system.Repo().Update(ctx, func(w *ostree.Writer) error { return w.SetRef(heldRef, a.plan.Base) })
}

// release drops what hold keeps.
func (s *System) release(ctx context.Context) error { return s.deleteRef(ctx, heldRef) }

// deleteRef deletes a ref that may be gone already.
func (s *System) deleteRef(ctx context.Context, ref ostree.Refspec) error {
	refs, err := s.Repo().Refs(ctx, "")
	if err != nil {
		return err
	}
	if _, ok := refs[ref]; !ok {
		return nil
	}
	return s.Repo().Update(ctx, func(w *ostree.Writer) error { return w.DeleteRef(ref) })
}

// downloadSteps fetch what the plan needs and is not here.
func (a *application) downloadSteps() []step.Step {
	var steps []step.Step
	if a.plan.image != nil {
		return []step.Step{{Name: "Pulling the image", Weight: 60, Do: a.pullImage}}
	}
	if a.plan.PullBase {
		steps = append(steps, step.Step{Name: "Pulling the base", Weight: 60, Do: a.pull})
	}
	if a.commit.IsZero() && len(a.plan.arriving()) > 0 {
		steps = append(steps, step.Step{Name: "Downloading packages", Weight: 30, Do: a.download})
	}
	return steps
}

// isDirectory says whether a path is that of a directory.
func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// hasRemote says whether the repository is configured for a remote.
func (s *System) hasRemote(name string) bool { return slices.Contains(s.Repo().Remotes(), name) }
