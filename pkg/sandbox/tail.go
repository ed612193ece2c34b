package sandbox

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"sync"
)

// A tail passes writes on and keeps the last of them.
type tail struct {
	next io.Writer

	mu   sync.Mutex
	last []byte
}

const tailSize = 1024

func (t *tail) Write(p []byte) (int, error) {
	t.keep(p)
	if t.next == nil {
		return len(p), nil
	}
	return t.next.Write(p)
}

func (t *tail) keep(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(p) >= tailSize {
		t.last = append(t.last[:0], p[len(p)-tailSize:]...)
		return
	}
	t.last = append(t.last, p...)
	if extra := len(t.last) - tailSize; extra > 0 {
		t.last = append(t.last[:0], t.last[extra:]...)
	}
}

// lastLine is the last line without the name of the program that printed it.
func (t *tail) lastLine() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := bytes.Split(bytes.TrimSpace(t.last), []byte("\n"))
	return strings.TrimPrefix(string(lines[len(lines)-1]), "bwrap: ")
}

// sameWriter reports whether two writers are one, as os/exec would. Values of
// types that cannot be compared are not.
func sameWriter(a, b io.Writer) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return reflect.TypeOf(a).Comparable() && reflect.TypeOf(b).Comparable() && a == b
}
