package sandbox

import (
	"encoding/json"
	"os"
	"sync"
)

// statusReader reads the JSON documents of bwrap's --json-status-fd: the first
// names the process that is init of the namespace, the last the exit status.
// The last is missing if the program could not be started.
type statusReader struct {
	file   *os.File
	events *json.Decoder
	once   sync.Once
}

// statusEvent holds the two fields of interest; which are set tells the
// documents apart.
type statusEvent struct {
	ChildPID *int `json:"child-pid"`
	ExitCode *int `json:"exit-code"`
}

func newStatusReader(file *os.File) *statusReader {
	return &statusReader{file: file, events: json.NewDecoder(file)}
}

// childPID waits for the first document.
func (s *statusReader) childPID() (int, bool) {
	for {
		event, ok := s.next()
		if !ok {
			return 0, false
		}
		if event.ChildPID != nil {
			return *event.ChildPID, true
		}
	}
}

// exitCode waits for the last document. It is asked after bubblewrap has
// ended, so the pipe has an end.
func (s *statusReader) exitCode() (int, bool) {
	for {
		event, ok := s.next()
		if !ok {
			return 0, false
		}
		if event.ExitCode != nil {
			return *event.ExitCode, true
		}
	}
}

func (s *statusReader) next() (statusEvent, bool) {
	var event statusEvent
	err := s.events.Decode(&event)
	return event, err == nil
}

func (s *statusReader) close() {
	s.once.Do(func() { _ = s.file.Close() }) // read side
}
