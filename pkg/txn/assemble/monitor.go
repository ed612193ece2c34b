package assemble

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// errScriptTimeout is the cause of a context that ended because one script
// took too long.
var errScriptTimeout = errors.New("a script took too long")

// A monitor follows one run of dpkg: it reads the status descriptor and the
// output, sends the output to the log of the package it belongs to, restarts
// the clock at each sign of progress, and remembers the first failure.
//
// Only the goroutine of run touches it until stop returns.
type monitor struct {
	logs     *logs
	onStatus func(statusLine)
	clock    *time.Timer // ends the run when it fires; nil for none
	limit    time.Duration

	status, output pipe
	partial        []byte // of a status line
	pending        []byte // output that was read and is not in a log yet

	pkg, action, state string
	failed             *statusLine
	failedTail         []string
	failedAction       string
	done               chan struct{}
	err                error
}

// pipe is one pipe, with a reading end for poll(2).
type pipe struct {
	read  int
	write *os.File
}

func newPipe() (pipe, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return pipe{}, fmt.Errorf("pipe: %w", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return pipe{}, errors.Join(fmt.Errorf("pipe: %w", err), unix.Close(fds[0]), unix.Close(fds[1]))
	}
	return pipe{read: fds[0], write: os.NewFile(uintptr(fds[1]), "pipe")}, nil
}

// startMonitor begins to follow. cancel is called when a script exceeds limit;
// zero is no limit.
func startMonitor(l *logs, limit time.Duration, onStatus func(statusLine), cancel context.CancelCauseFunc) (*monitor, error) {
	m := &monitor{logs: l, onStatus: onStatus, limit: limit, done: make(chan struct{})}
	var err error
	if m.status, err = newPipe(); err != nil {
		return nil, err
	}
	if m.output, err = newPipe(); err != nil {
		return nil, errors.Join(err, unix.Close(m.status.read), m.status.write.Close())
	}
	if limit > 0 {
		m.clock = time.AfterFunc(limit, func() { cancel(errScriptTimeout) })
	}
	l.switchTo("dpkg")
	go m.run()
	return m, nil
}

// stop waits until everything that was written has been read. The program has
// ended by then.
func (m *monitor) stop() error {
	err := errors.Join(m.status.write.Close(), m.output.write.Close())
	<-m.done
	if m.clock != nil {
		m.clock.Stop()
	}
	m.logs.close()
	return errors.Join(err, m.err, unix.Close(m.status.read), unix.Close(m.output.read))
}

// run reads both pipes to their ends. dpkg reports an action before the script can print anything. So with the
// reports read after the output, no output can be of a script whose report has not been read.
func (m *monitor) run() {
	defer close(m.done)
	fds := []unix.PollFd{
		{Fd: int32(m.status.read), Events: unix.POLLIN},
		{Fd: int32(m.output.read), Events: unix.POLLIN},
	}
	for fds[0].Fd >= 0 || fds[1].Fd >= 0 {
		_, err := unix.Poll(fds, -1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			m.err = fmt.Errorf("follow dpkg: %w", err)
			return
		}
		if fds[1].Fd >= 0 && m.readOutput() {
			fds[1].Fd = -1
		}
		if fds[0].Fd >= 0 && m.readStatus() {
			fds[0].Fd = -1
		}
		m.flush(len(m.pending))
	}
}

// readOutput takes what is in the output pipe now, and no more, so that a
// script that never stops printing does not hold up the reports. It says
// whether the pipe has ended.
func (m *monitor) readOutput() (ended bool) {
	waiting, err := unix.IoctlGetInt(m.output.read, unix.TIOCINQ)
	if err != nil {
		m.err = fmt.Errorf("follow dpkg: %w", err)
		return true
	}
	m.pending = make([]byte, max(waiting, 1))
	n, err := readPipe(m.output.read, m.pending)
	m.pending = m.pending[:n]
	return m.keep(n, err)
}

// flush sends the first bytes of the output that was read to the current log.
func (m *monitor) flush(n int) {
	_, _ = m.logs.Write(m.pending[:n]) // never fails
	m.pending = m.pending[n:]
}

// announced finds where in the pending output the output of the action begins whose report was just read. dpkg announces
// an action, reports it and then runs the script, so it begins with the announcement, which may have gone to the log
// before, or has not begun.
func (m *monitor) announced() int {
	name := regexp.QuoteMeta(m.pkg)
	said := `(Setting up|Processing triggers for|Removing|Purging configuration files for) ` + name + `[ :]`
	if m.action == "install" || m.action == "upgrade" {
		said = `Preparing to unpack (\S*/)?` + name + `_`
	}
	announcement := regexp.MustCompile(`(?m)^` + said)
	if at := announcement.FindIndex(m.pending); at != nil {
		return at[0]
	}
	if lines := m.logs.tail.lines; len(lines) > 0 && announcement.MatchString(lines[len(lines)-1]) {
		return 0
	}
	return len(m.pending)
}

func (m *monitor) readStatus() (ended bool) {
	buffer := make([]byte, 4096)
	n, err := readPipe(m.status.read, buffer)
	m.partial = append(m.partial, buffer[:n]...)
	for {
		line, rest, ok := strings.Cut(string(m.partial), "\n")
		if !ok {
			break
		}
		m.partial = []byte(rest)
		if parsed, ok := parseStatusLine(line); ok {
			m.see(parsed)
		}
	}
	if len(m.partial) > 1<<20 {
		m.partial = nil // no line of dpkg is this long
	}
	return m.keep(n, err)
}

// keep turns the result of a read into whether the pipe has ended.
func (m *monitor) keep(n int, err error) (ended bool) {
	switch {
	case errors.Is(err, unix.EAGAIN):
		return false
	case err != nil:
		m.err = fmt.Errorf("follow dpkg: %w", err)
		return true
	}
	return n == 0
}

// readPipe reads once. Unlike os.File it does not wait for data.
func readPipe(fd int, buffer []byte) (int, error) {
	for {
		n, err := unix.Read(fd, buffer)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return max(n, 0), err
	}
}

// see takes note of a report.
func (m *monitor) see(line statusLine) {
	if m.clock != nil {
		m.clock.Reset(m.limit)
	}
	switch line.kind {
	case lineProcessing:
		m.pkg, m.action, m.state = bareName(line.subject), line.value, ""
		m.flush(m.announced())
		m.logs.switchTo(m.pkg)
	case lineState:
		if bareName(line.subject) == m.pkg {
			m.state = line.value
		}
	case linePrompt: // which dpkgOptions answer: what is there stays
	case lineError:
		m.flush(len(m.pending))
		if m.failed == nil {
			m.failed, m.failedAction, m.failedTail = &line, m.action, m.logs.tail.Lines()
		}
	}
	m.onStatus(line)
}

// bareName is a package name without its architecture.
func bareName(name string) string {
	bare, _, _ := strings.Cut(name, ":")
	return bare
}
