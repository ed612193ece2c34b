package txn

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// historyStore is where transactions are recorded: beside the repository and not in a /var, which may
// be a file system of its own, and has to be empty until something is deployed.
func (s *System) historyStore() history.Store {
	return history.Store{Dir: filepath.Join(s.path, "ostree/apt-ostree/history")}
}

// History gives the newest records of transactions, the newest first; all of them if limit is 0. It
// takes no lock and needs no privileges.
func (s *System) History(limit int) ([]history.Record, error) { return s.historyStore().List(limit) }

// recording writes the record of one run. A history that cannot be written, on a disk that is full for
// example, stops nobody from making room.
type recording struct {
	system *System
	writer *history.Writer
	record history.Record
	next   step.Reporter
}

// begin starts the record of a plan that is about to be applied.
func (s *System) begin(p *Plan, opts ApplyOptions) *recording {
	change, _ := json.Marshal(p.Change) // plain data
	r := history.Record{Actor: opts.By, Stateroot: p.Stateroot, Title: p.Change.Title(), Change: change}
	if !p.From.IsZero() {
		r.From = p.From.String()
	}
	return s.beginRecord(r, opts.Reporter)
}

func (s *System) beginRecord(record history.Record, next step.Reporter) *recording {
	r := &recording{system: s, next: next, record: record}
	if r.record.Actor == (history.Actor{}) {
		r.record.Actor = history.Self("")
	}
	writer, err := s.historyStore().Begin(r.record, s.opts.Clock())
	if err != nil {
		s.opts.Logger.Warn("history not written", "error", err)
		return r
	}
	r.writer, r.record = writer, writer.Record()
	return r
}

// Report notes the time of each step and passes the events on.
func (r *recording) Report(e step.Event) {
	if done, ok := e.(step.StepFinished); ok {
		one := history.Step{Name: done.Step, Seconds: done.Elapsed.Seconds()}
		if done.Err != nil {
			one.Error = done.Err.Error()
		}
		r.record.Steps = append(r.record.Steps, one)
		r.write(func(w *history.Writer) error { return w.Step(one) })
	}
	if r.next != nil {
		r.next.Report(e)
	}
}

func (r *recording) write(do func(*history.Writer) error) {
	if r.writer == nil {
		return
	}
	if err := do(r.writer); err != nil {
		r.system.opts.Logger.Warn("history not written", "error", err)
	}
}

// end completes the record and hands it to the audit.
func (r *recording) end(ctx context.Context, d *deploy.Deployment, err error) {
	end := history.End{Finished: r.system.opts.Clock().UTC(), Outcome: history.Succeeded}
	if err != nil {
		kind := Classify(err)
		end.Outcome, end.Error, end.ErrorKind = history.Failed, err.Error(), string(kind)
		if kind == KindCanceled {
			end.Outcome = history.Canceled
		}
	}
	if d != nil {
		r.system.recordDeployment(context.WithoutCancel(ctx), &end, d)
	}
	r.record.End = end
	r.write(func(w *history.Writer) error { return w.End(end) })
	if audit := r.system.opts.Audit; audit != nil {
		audit(r.record)
	}
}

// recordDeployment notes what was deployed. What cannot be found out any more is left out.
func (s *System) recordDeployment(ctx context.Context, end *history.End, d *deploy.Deployment) {
	end.To = d.Checksum.String()
	end.DeploymentPath = d.Path
	if inside, err := filepath.Rel(s.path, d.Path); err == nil {
		end.DeploymentPath = "/" + inside
	}
	var st unix.Stat_t
	if unix.Stat(d.Path, &st) == nil {
		end.DeploymentDevice, end.DeploymentInode = st.Dev, st.Ino
	}
	described, err := s.describe(ctx, *d)
	if err != nil {
		s.opts.Logger.Warn("deployment not in the history", "error", err)
		return
	}
	end.Deployment, _ = json.Marshal(described) // plain data
}

// Title is the change in words: what it does first, then its terms.
func (c Change) Title() string {
	data, _ := json.Marshal(c) // plain data
	fields := map[string]any{}
	_ = json.Unmarshal(data, &fields) // it was just written
	var words []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		switch v := fields[name].(type) {
		case bool:
			words = append(words, name)
		case []any:
			list := make([]string, len(v))
			for i := range v {
				list[i] = fmt.Sprint(v[i])
			}
			words = append(words, name+": "+strings.Join(list, " "))
		default:
			words = append(words, fmt.Sprintf("%s: %v", name, v))
		}
	}
	return strings.Join(words, "; ")
}
