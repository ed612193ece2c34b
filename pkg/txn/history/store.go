package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Store is a directory of records.
type Store struct {
	// Dir is made by the first record.
	Dir string
	// Keep is how many records are kept; zero means [DefaultKeep].
	Keep int
}

// DefaultKeep is how many records a store keeps: years of them on most machines, in a few megabytes.
const DefaultKeep = 1000

// suffix of the files of records; what precedes it is the ID.
const suffix = ".jsonl"

// maxRecord bounds the size of a record's file that is read, in bytes.
const maxRecord = 4 << 20

// List returns the newest records, the newest first; all of them if limit is 0. A directory that does
// not exist has none. A file that is damaged gives what can be read of it.
func (s Store) List(limit int) ([]Record, error) {
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	slices.Reverse(names)
	if limit > 0 {
		names = names[:min(limit, len(names))]
	}
	records := make([]Record, 0, len(names))
	for _, name := range names {
		r, err := read(filepath.Join(s.Dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // dropped since
		}
		if err != nil {
			return nil, err
		}
		records = append(records, *r)
	}
	return records, nil
}

// names lists the files of records, the oldest first.
func (s Store) names() ([]string, error) {
	entries, err := os.ReadDir(s.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), suffix) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// prune drops the oldest records, so that there is room for one more.
func (s Store) prune(names []string) error {
	keep := s.Keep
	if keep <= 0 {
		keep = DefaultKeep
	}
	for _, name := range names[:max(0, len(names)+1-keep)] {
		if err := os.Remove(filepath.Join(s.Dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func read(path string) (*Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRecord))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r := parse(data)
	r.ID = strings.TrimSuffix(filepath.Base(path), suffix)
	if r.Outcome == "" {
		r.Outcome = Interrupted
		if locked(f) {
			r.Outcome = Running
		}
	}
	return r, nil
}

// parse reads the lines of a record. The last one may be torn, and what is not a line of a record is
// passed over: a damaged history is better than none.
func parse(data []byte) *Record {
	r := &Record{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxRecord)
	for lines.Scan() {
		var l line
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			continue
		}
		switch {
		case l.Begin != nil:
			steps, end := r.Steps, r.End
			*r = *l.Begin
			r.Steps, r.End = steps, end
		case l.Step != nil:
			r.Steps = append(r.Steps, *l.Step)
		case l.End != nil:
			r.End = *l.End
		}
	}
	return r
}

// locked tells whether somebody writes to a record.
func locked(f *os.File) bool {
	err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	return errors.Is(err, unix.EWOULDBLOCK)
}
