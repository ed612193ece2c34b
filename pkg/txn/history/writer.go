package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// Writer adds to one record.
type Writer struct {
	file   *os.File
	record Record
}

// Begin writes the record of a transaction that begins at a time: its ID and Started are set here. The
// record is on the disk when Begin returns.
func (s Store) Begin(r Record, now time.Time) (*Writer, error) {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return nil, err
	}
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	if err := s.prune(names); err != nil {
		return nil, err
	}
	r.Started, r.Steps, r.End = now.UTC(), nil, End{}
	w := &Writer{}
	for at := after(names, now); ; at = at.Add(time.Microsecond) {
		r.ID = at.Format(idLayout)
		err := w.create(filepath.Join(s.Dir, r.ID+suffix), r)
		if errors.Is(err, fs.ErrExist) {
			continue // another process came first
		}
		if err != nil {
			return nil, err
		}
		return w, fsx.SyncDir(s.Dir)
	}
}

// idLayout is the form of IDs, which sort by time.
const idLayout = "20060102T150405.000000Z"

// after is the time that the ID of a new record says: now, but later than that of the newest record,
// also if the clock was set back.
func after(names []string, now time.Time) time.Time {
	now = now.UTC().Truncate(time.Microsecond)
	if len(names) == 0 {
		return now
	}
	last, err := time.Parse(idLayout, strings.TrimSuffix(names[len(names)-1], suffix))
	if err != nil || last.Before(now) {
		return now
	}
	return last.Add(time.Microsecond)
}

// create makes the file under another name first, so that nobody sees it empty or without its lock.
func (w *Writer) create(path string, r Record) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".begin-*")
	if err != nil {
		return err
	}
	w.file, w.record = f, r
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = w.append(line{Begin: &r})
	}
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	err = errors.Join(err, os.Remove(f.Name()))
	if err != nil {
		return errors.Join(err, f.Close())
	}
	return nil
}

// append adds a line, which is on the disk afterwards.
func (w *Writer) append(l line) error {
	data, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	if _, err := w.file.Write(append(data, '\n')); err != nil {
		return err
	}
	return w.file.Sync()
}

// Step adds a step that has ended.
func (w *Writer) Step(s Step) error {
	w.record.Steps = append(w.record.Steps, s)
	return w.append(line{Step: &s})
}

// End completes the record and closes it.
func (w *Writer) End(e End) error {
	e.Finished = e.Finished.UTC()
	w.record.End = e
	return errors.Join(w.append(line{End: &e}), w.file.Close())
}

// Record is what was written so far.
func (w *Writer) Record() Record { return w.record }
