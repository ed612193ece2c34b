package archive

import (
	"path"
	"sync"
	"time"
)

const (
	progressEvery = 100 * time.Millisecond
	// speedWindow is the time over which the speed is averaged.
	speedWindow = 3 * time.Second
)

// Progress is a snapshot of several transfers.
type Progress struct {
	// Done and Total count bytes. What was in the cache counts as done.
	Done, Total int64
	// Fetched counts the bytes that were really transferred.
	Fetched int64
	// Files and FilesTotal count files.
	Files, FilesTotal int
	// Speed is in bytes per second over the last seconds.
	Speed float64
	// Current names a file that is being transferred, "" at the end.
	Current string
}

// meter adds up the transfers of one batch and tells about them now and then.
type meter struct {
	report func(Progress)
	clock  func() time.Time

	mu      sync.Mutex
	state   Progress
	active  []*track
	last    time.Time // of a report
	samples []sample
}

// sample is how much had been fetched at a time.
type sample struct {
	at      time.Time
	fetched int64
}

func newMeter(report func(Progress), items []Item, clock func() time.Time) *meter {
	m := &meter{report: report, clock: clock}
	m.state.FilesTotal = len(items)
	for _, i := range items {
		m.state.Total += max(i.Size, 0)
	}
	return m
}

// cached counts a file that need not be transferred.
func (m *meter) cached(item Item) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.Done += max(item.Size, 0)
	m.state.Files++
	m.tell(false)
}

// start counts a file that begins, have bytes of which are there.
func (m *meter) start(item Item, have int64) *track {
	name := item.Name
	if name == "" {
		name = path.Base(item.URL)
	}
	t := &track{meter: m, name: name, done: have}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.active = append(m.active, t)
	m.state.Done += have
	m.tell(false)
	return t
}

// finish makes the last report.
func (m *meter) finish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tell(true)
}

// tell reports if it is time. The lock is held, so that reports come one after the other.
func (m *meter) tell(force bool) {
	if m.report == nil {
		return
	}
	now := m.clock()
	if !force && now.Sub(m.last) < progressEvery {
		return
	}
	m.last = now
	m.samples = append(m.samples, sample{now, m.state.Fetched})
	for len(m.samples) > 2 && now.Sub(m.samples[0].at) > speedWindow {
		m.samples = m.samples[1:]
	}
	p := m.state
	if first := m.samples[0]; now.After(first.at) {
		p.Speed = float64(p.Fetched-first.fetched) / now.Sub(first.at).Seconds()
	}
	if len(m.active) > 0 {
		p.Current = m.active[0].name
	}
	m.report(p)
}

// track is the progress of one file.
type track struct {
	meter *meter
	name  string
	done  int64
}

// Write counts data that was received.
func (t *track) Write(data []byte) (int, error) {
	t.meter.mu.Lock()
	defer t.meter.mu.Unlock()
	t.done += int64(len(data))
	t.meter.state.Done += int64(len(data))
	t.meter.state.Fetched += int64(len(data))
	t.meter.tell(false)
	return len(data), nil
}

// restart takes back what was counted, after it was thrown away.
func (t *track) restart() {
	t.meter.mu.Lock()
	defer t.meter.mu.Unlock()
	t.meter.state.Done -= t.done
	t.done = 0
}

// finish counts the file.
func (t *track) finish() {
	m := t.meter
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.Files++
	for i, other := range m.active {
		if other == t {
			m.active = append(m.active[:i], m.active[i+1:]...)
			break
		}
	}
	m.tell(false)
}
