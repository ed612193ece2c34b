package sandbox

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// attachOutput keeps the last words on standard error, which are bubblewrap's
// own when the program cannot be started. Files are handed over as they are,
// so that a terminal stays one.
func (r *running) attachOutput(spec Spec) {
	r.cmd.Stdout = spec.Stdout
	r.cmd.Stderr = spec.Stderr
	if _, ok := spec.Stderr.(*os.File); ok {
		return
	}
	same := sameWriter(spec.Stdout, spec.Stderr)
	r.stderr.next = spec.Stderr
	r.cmd.Stderr = r.stderr
	if same {
		r.cmd.Stdout = r.stderr
	}
}

// attachInput returns what to do, once the program runs, to have it read
// spec.Stdin. It is not waited for: the reader may never answer, and a program
// need not read.
func (r *running) attachInput(spec Spec) (feed func(), err error) {
	if _, ok := spec.Stdin.(*os.File); ok || spec.Stdin == nil {
		r.cmd.Stdin = spec.Stdin
		return func() {}, nil
	}
	pipe, err := r.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return func() {
		_, err := io.Copy(pipe, spec.Stdin)
		if err == nil || errors.Is(err, unix.EPIPE) || errors.Is(err, os.ErrClosed) {
			err = pipe.Close()
		}
		if err != nil && !errors.Is(err, os.ErrClosed) {
			r.inputErr <- err
			_ = pipe.Close() // so that the program sees an end, if not the right one
		}
	}, nil
}
