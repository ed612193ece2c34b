package busapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// LockedLayeringError says that the configuration forbids what a change would make.
type LockedLayeringError struct{}

func (*LockedLayeringError) Error() string {
	return "Cannot operate; LockLayering=true in configuration."
}

// run carries out a started transaction.
func (t *transaction) run() error {
	inhibitor, err := logind{t.server.out}.inhibit(t.ctx, t.title)
	if err != nil {
		t.server.log.Warn("shutdown is not held up", "error", err) // there is no logind in a container
	} else {
		defer inhibitor.Close()
	}
	if t.work != nil {
		return t.work(t, t.ctx)
	}
	return t.apply(t.ctx)
}

// apply plans the change, tells the plan, and carries it out.
func (t *transaction) apply(ctx context.Context) (err error) {
	system, err := t.server.open(ctx, t.stateroot)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, system.Close()) }()
	if err := t.receiveFiles(ctx, system); err != nil {
		return err
	}
	unlock, err := t.lock(ctx, system)
	if err != nil {
		return err
	}
	defer unlock()
	plan, err := system.Plan(ctx, t.change)
	if err != nil {
		return err
	}
	if err := t.tellPlan("plan", plan); err != nil {
		return err
	}
	if t.options.DryRun {
		return nil
	}
	if !plan.Unchanged || t.change.RegisterDriver != "" { // which changes no deployment
		if err := t.carryOut(ctx, system, plan); err != nil {
			return err
		}
	}
	if t.liveWant != nil {
		return t.followLive(ctx, system)
	}
	if plan.Unchanged {
		return nil
	}
	return t.afterwards() //nolint:contextcheck // a restart comes after the transaction
}

// lock keeps others from changing the system between a plan and its end; what changes nothing needs no lock.
func (t *transaction) lock(ctx context.Context, system *txn.System) (unlock func(), err error) {
	if t.options.DryRun {
		return func() {}, nil
	}
	release, err := system.Lock(ctx)
	if err != nil {
		return nil, err
	}
	return func() {
		if err := release(); err != nil {
			t.server.log.Warn("sysroot lock not released cleanly", "error", err)
		}
	}, nil
}

// carryOut applies a plan, unless the configuration forbids that.
func (t *transaction) carryOut(ctx context.Context, system *txn.System, plan *txn.Plan) error {
	if t.server.locked() && len(plan.Packages)+len(plan.Removed) > 0 {
		return &LockedLayeringError{}
	}
	options := txn.ApplyOptions{Reporter: step.ReporterFunc(t.report), Unpacker: assemble.UnpackMode(t.options.Unpacker), By: t.by}
	_, err := system.Apply(ctx, plan, options)
	return err
}

// afterwards restarts the system if that was asked for. The transaction is done by then, so it happens once the
// client has been told.
func (t *transaction) afterwards() error {
	if !t.options.Reboot {
		return nil
	}
	s := t.server
	s.mu.Lock()
	s.queued = true
	s.mu.Unlock()
	s.work.Go(func() {
		<-t.finished
		if err := (logind{s.out}).reboot(context.WithoutCancel(s.ctx)); err != nil {
			s.log.Error("no restart", "error", err)
			s.mu.Lock()
			s.queued = false
			s.mu.Unlock()
		}
	})
	return nil
}

func (s *Server) locked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config.LockLayering
}

// tellPlan tells a plan as its JSON.
func (t *transaction) tellPlan(kind string, plan any) error {
	text, err := json.Marshal(plan)
	if err != nil {
		return err
	}
	signal := t.encodeSignal("Event", kind, string(text))
	t.mu.Lock()
	t.plans = append(t.plans, signal)
	t.mu.Unlock()
	t.peers.broadcast(signal)
	return nil
}

// catchUp tells the plans to a listener that came too late for them. It does so as the listener comes: when the
// transaction ends before the listener calls Start, the end must not be the first it hears.
func (t *transaction) catchUp(late *peer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, plan := range t.plans {
		late.send(plan)
	}
}

// tellFinished tells the end, by the given means.
func (t *transaction) tellFinished(tell func([]byte)) {
	t.mu.Lock()
	failure := t.failure
	t.mu.Unlock()
	message := ""
	if failure != nil {
		message = failure.Message
		if text, err := json.Marshal(failure); err == nil {
			tell(t.encodeSignal("Event", "failure", string(text)))
		}
	}
	tell(t.encodeSignal("Finished", failure == nil, message))
}

// report turns the events of a run into signals: those of rpm-ostree and our own.
func (t *transaction) report(e step.Event) {
	switch e := e.(type) {
	case step.StepStarted:
		t.signal("TaskBegin", e.Step)
	case step.Progress:
		t.mu.Lock()
		t.progress = e.Percent
		t.mu.Unlock()
		t.signal("PercentProgress", progressText(e), uint32(math.Max(0, math.Min(100, e.Percent))))
	case step.Message:
		t.signal("Message", e.Text)
	case step.StepFinished:
		t.signal("ProgressEnd")
		t.signal("TaskEnd", "done")
	}
	if text, err := encodeEvent(e); err == nil && text != "" {
		t.signal("Event", e.Kind(), text)
	}
}

func progressText(p step.Progress) string {
	switch {
	case p.Item != "" && p.Total > 0:
		return fmt.Sprintf("%s: %s (%d/%d)", p.Step, p.Item, p.Done, p.Total)
	case p.Total > 0:
		return fmt.Sprintf("%s (%d/%d)", p.Step, p.Done, p.Total)
	}
	return p.Step
}
