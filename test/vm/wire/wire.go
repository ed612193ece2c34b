// Package wire is what the harness and the agent in the guest say to each other over a serial port:
// lines of JSON, a request from the harness and then the reply with its number. Either side may be
// restarted at any moment, so whatever does not parse, or has another number, is skipped.
package wire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
)

// Request asks the agent to run a program, or without Argv only for its reply.
type Request struct {
	ID    uint64
	Argv  []string
	Env   []string
	Stdin []byte
}

// Reply is how a program ended.
type Reply struct {
	ID uint64
	// BootID is that of the running kernel, which tells one boot from the next.
	BootID string
	// Code is the exit status, 128 plus its number after a signal.
	Code           int
	Stdout, Stderr []byte
	// Err says why the program could not be started.
	Err string
}

// Write sends a request or a reply. The line before ends what is left of an interrupted one.
func Write(w io.Writer, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(append([]byte{'\n'}, data...), '\n'))
	return err
}

// Read reads the next line that is a T. The error is one of reading.
func Read[T any](r *bufio.Reader) (T, error) {
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			var none T
			return none, err
		}
		var v T
		if len(bytes.TrimSpace(line)) > 0 && json.Unmarshal(line, &v) == nil {
			return v, nil
		}
	}
}
