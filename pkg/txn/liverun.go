package txn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
	"github.com/apt-ostree/apt-ostree/pkg/txn/live"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// Refs that keep what is live while no deployment has it.
const (
	liveRef           = "apt-ostree/live-apply"
	liveInProgressRef = "apt-ostree/live-apply-inprogress"
)

// liveRun is one run of a live plan.
type liveRun struct {
	system *System
	plan   *LivePlan
	opts   LiveOptions
}

func (r *liveRun) steps() []step.Step {
	return []step.Step{
		{Name: "Preparing /usr", Weight: 5, Do: r.prepare, Undo: r.undo},
		{Name: "Updating files", Weight: 80, Do: r.files},
		{Name: "Merging /etc", Weight: 5, Do: r.etc},
		{Name: "Finishing", Weight: 1, Do: r.finish, Commit: true},
		{Name: "Telling the system", Weight: 9, Do: r.tell},
	}
}

// beginLive starts the record of a live change.
func (s *System) beginLive(p *LivePlan, opts LiveOptions) *recording {
	title := "apply-live: " + p.To.String()
	if p.Change.Reset {
		title = "apply-live: reset"
	}
	change, _ := json.Marshal(map[string]any{"apply-live": p.Change}) // plain data
	return s.beginRecord(history.Record{
		Actor: opts.By, Stateroot: p.booted.Stateroot, Title: title, Change: change, From: p.From.String(),
	}, opts.Reporter)
}

func (r *liveRun) stateDir() string { return r.system.sysroot.StateDir(r.plan.booted) }

// prepare mounts the overlay and writes down what is about to be done.
func (r *liveRun) prepare(ctx context.Context, _ *step.Task) error {
	p := r.plan
	if p.booted.Unlocked == "" {
		if err := r.system.sysroot.Unlock(ctx, deploy.UnlockTransient); err != nil {
			return err
		}
	}
	if err := r.system.setRefs(ctx, map[string]ostree.Checksum{liveInProgressRef: p.To}); err != nil {
		return err
	}
	state := live.State{Replaced: p.state.Replaced, InProgress: p.To.String(), Etc: union(p.state.Etc, p.Etc)}
	return state.Save(r.stateDir())
}

// undo goes back to what was live before this run. What was interrupted before it stays so.
func (r *liveRun) undo(ctx context.Context) error {
	p := r.plan
	if p.Resumed {
		return p.state.Save(r.stateDir())
	}
	if err := r.converge(ctx, p.From, func(int) {}); err != nil {
		return err
	}
	if err := r.mergeEtc(ctx, p.To, p.From, p.Etc); err != nil {
		return err
	}
	if err := r.system.setRefs(ctx, map[string]ostree.Checksum{liveInProgressRef: {}}); err != nil {
		return err
	}
	return p.state.Save(r.stateDir())
}

func (r *liveRun) files(ctx context.Context, task *step.Task) error {
	total := int64(len(r.plan.paths))
	return r.converge(ctx, r.plan.To, func(i int) { task.Progress("", int64(i), total, step.Items) })
}

// converge makes the changed paths of /usr what they are in a commit.
func (r *liveRun) converge(ctx context.Context, to ostree.Checksum, done func(int)) (err error) {
	tree, err := r.system.Repo().FS(ctx, to)
	if err != nil {
		return err
	}
	usrTree, err := fs.Sub(tree, "usr")
	if err != nil {
		return err
	}
	linked, ok := usrTree.(fs.ReadLinkFS)
	if !ok {
		return errors.New("the tree cannot read links")
	}
	handle, err := r.system.sysroot.WritableUsr()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, handle.Close()) }()
	usr, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", handle.Fd()))
	if err != nil {
		return err
	}
	defer usr.Close()
	return live.Converge(ctx, usr, linked, live.Below(r.plan.paths, "usr"), done)
}

func (r *liveRun) etc(ctx context.Context, _ *step.Task) error {
	p := r.plan
	from := p.From
	if p.Resumed && p.Change.Reset {
		// What the interrupted run brought goes back; what it did not come to is as it was.
		interrupted, err := ostree.ParseChecksum(p.state.InProgress)
		if err != nil {
			return err
		}
		if err := r.mergeEtc(ctx, interrupted, p.To, p.Etc); err != nil {
			return err
		}
	}
	return r.mergeEtc(ctx, from, p.To, p.Etc)
}

func (r *liveRun) mergeEtc(ctx context.Context, from, to ostree.Checksum, paths []string) error {
	old, err := r.system.etcDefaults(ctx, from)
	if err != nil || old == nil {
		return err
	}
	next, err := r.system.etcDefaults(ctx, to)
	if err != nil || next == nil {
		return err
	}
	etc, err := os.OpenRoot(r.system.sysroot.EtcDir(r.plan.booted))
	if err != nil {
		return err
	}
	defer etc.Close()
	return live.MergeEtc(ctx, etc, old, next, paths)
}

// finish makes it the state: from now on nothing is undone.
func (r *liveRun) finish(ctx context.Context, _ *step.Task) error {
	p := r.plan
	state := live.State{Replaced: p.To.String(), Etc: union(p.state.Etc, p.Etc)}
	refs := map[string]ostree.Checksum{liveRef: p.To, liveInProgressRef: {}}
	if p.To == p.booted.Checksum {
		state, refs[liveRef] = live.State{}, ostree.Checksum{}
	}
	if err := r.system.setRefs(ctx, refs); err != nil {
		return err
	}
	return state.Save(r.stateDir())
}

// tell lets the running system take note of new users, directories and units.
func (r *liveRun) tell(ctx context.Context, task *step.Task) error {
	under := func(dir string) bool {
		return slices.ContainsFunc(r.plan.paths, func(p string) bool { return strings.HasPrefix(p, "usr/lib/"+dir+"/") })
	}
	for _, one := range []struct {
		when bool
		argv []string
	}{
		{under("sysusers.d"), []string{"systemd-sysusers"}},
		{under("tmpfiles.d"), []string{"systemd-tmpfiles", "--create", "--prefix=/run", "--prefix=/var"}},
		{under("systemd/system"), []string{"systemctl", "daemon-reload"}},
	} {
		if !one.when {
			continue
		}
		if err := r.opts.Run(ctx, one.argv...); err != nil {
			task.Warnf("%v", err)
		}
	}
	return nil
}

// etcDefaults is usr/etc of a commit, nil if it has none.
func (s *System) etcDefaults(ctx context.Context, c ostree.Checksum) (fs.ReadLinkFS, error) {
	tree, err := s.Repo().FS(ctx, c)
	if err != nil {
		return nil, err
	}
	if _, err := tree.Lstat("usr/etc"); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	sub, err := fs.Sub(tree, "usr/etc")
	if err != nil {
		return nil, err
	}
	linked, ok := sub.(fs.ReadLinkFS)
	if !ok {
		return nil, errors.New("the tree cannot read links")
	}
	return linked, nil
}

// setRefs sets refs, or drops those of the zero checksum.
func (s *System) setRefs(ctx context.Context, refs map[string]ostree.Checksum) error {
	return s.Repo().Update(ctx, func(w *ostree.Writer) error {
		for name, c := range refs {
			ref := ostree.Refspec{Ref: name}
			var err error
			if c.IsZero() {
				err = w.DeleteRef(ref)
			} else {
				err = w.SetRef(ref, c)
			}
			if err != nil && !errors.Is(err, ostree.ErrRefNotFound) {
				return err
			}
		}
		return nil
	})
}

// dropLiveRefs drops the refs of what was live before the last boot.
func (s *System) dropLiveRefs(ctx context.Context) error {
	list, err := s.sysroot.Deployments(ctx)
	if err != nil {
		return err
	}
	for _, d := range list {
		if !d.Booted {
			continue
		}
		if state, err := live.Load(s.sysroot.StateDir(d)); err != nil || state.Replaced != "" || state.InProgress != "" {
			return err
		}
	}
	return s.setRefs(ctx, map[string]ostree.Checksum{liveRef: {}, liveInProgressRef: {}})
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
