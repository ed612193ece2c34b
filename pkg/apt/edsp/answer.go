package edsp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
)

// Answer says what to do, by APT-IDs: versions to install, new ones and upgrades alike, and installed
// versions to remove. What is in neither list stays.
type Answer struct {
	Install, Remove []string
	// Autoremove are installed versions that nothing needs. It is for information.
	Autoremove []string
}

// FailureError is an answer that there is no solution.
type FailureError struct {
	// ID identifies the kind of failure, in the form of a UUID.
	ID string
	// Message explains it, in lines.
	Message string
}

// Error implements error.
func (f *FailureError) Error() string { return f.Message }

// ReadAnswer reads an answer. It returns a [*FailureError] if that is what the solver said.
func ReadAnswer(r io.Reader) (*Answer, error) {
	reader := deb822.NewReader(r, deb822.Options{})
	a := new(Answer)
	for {
		p, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return nil, err
		}
		if id, failed := p.Lookup("Error"); failed {
			return nil, &FailureError{ID: id, Message: unfoldMessage(p.Get("Message"))}
		}
		if _, progress := p.Lookup("Progress"); progress {
			continue
		}
		known := false
		for name, list := range map[string]*[]string{"Install": &a.Install, "Remove": &a.Remove, "Autoremove": &a.Autoremove} {
			if id, found := p.Lookup(name); found {
				*list, known = append(*list, id), true
			}
		}
		if !known {
			return nil, fmt.Errorf("line %d: the answer has a part that is none of Install, Remove, Autoremove, Progress and Error", p.Line(""))
		}
	}
}

// Write writes the answer.
func (a *Answer) Write(w io.Writer) error {
	out := writer{bufio.NewWriter(w)}
	for _, l := range []struct {
		name string
		ids  []string
	}{{"Install", a.Install}, {"Remove", a.Remove}, {"Autoremove", a.Autoremove}} {
		for _, id := range l.ids {
			out.field(l.name, id)
			out.end()
		}
	}
	return out.Flush()
}

// Write writes the failure as an answer.
func (f *FailureError) Write(w io.Writer) error {
	out := writer{bufio.NewWriter(w)}
	out.field("Error", f.ID)
	out.lines("Message", " "+foldMessage(f.Message))
	out.end()
	return out.Flush()
}

// foldMessage makes lines a field: each but the first begins with a blank, empty ones are a dot.
func foldMessage(message string) string {
	lines := strings.Split(strings.TrimSpace(message), "\n")
	for i, l := range lines {
		if l = strings.TrimRight(l, " \t\r"); l == "" {
			l = "."
		}
		if i > 0 {
			l = " " + l
		}
		lines[i] = l
	}
	return strings.Join(lines, "\n")
}

func unfoldMessage(value string) string {
	lines := strings.Split(value, "\n")
	for i := range lines[1:] {
		if l := strings.TrimPrefix(lines[i+1], " "); l == "." {
			lines[i+1] = ""
		} else {
			lines[i+1] = l
		}
	}
	return strings.Join(lines, "\n")
}
