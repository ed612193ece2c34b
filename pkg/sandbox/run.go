package sandbox

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var errTimeout = errors.New("sandbox time limit passed")

// Run runs spec and returns when every process of the sandbox is gone. See
// [Runner] for its errors.
//
// Descriptors of the calling process that are not close-on-exec, which Go
// itself never opens, are marked so.
func (b *Bwrap) Run(ctx context.Context, spec Spec) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", commandName(spec.Argv), context.Cause(ctx))
	}
	if err := validate(spec); err != nil {
		return err
	}
	spec, err := resolveTargets(spec)
	if err != nil {
		return &SetupError{Argv: spec.Argv, Root: spec.Root, Err: err}
	}
	if spec.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, spec.Timeout, errTimeout)
		defer cancel()
	}
	done := make(chan error, 1)
	go func() {
		// The umask belongs to a thread that shares it with no other, and the
		// parent-death signal fires when the thread that forked ends. So one
		// thread is given to this run and, never unlocked, ends with it.
		runtime.LockOSThread()
		done <- b.runOnThread(ctx, spec)
	}()
	return <-done
}

func (b *Bwrap) runOnThread(ctx context.Context, spec Spec) error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("sandbox thread: %w", err)
	}
	unix.Umask(0o022)
	if err := unix.CloseRange(firstExtraFD, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("sandbox descriptors: %w", err)
	}

	run, err := b.start(ctx, spec)
	if err != nil {
		return err
	}
	defer run.close()
	waited := make(chan error, 1)
	go func() { waited <- run.cmd.Wait() }()

	ended, interrupted := run.supervise(ctx, waited, b.grace)
	if err := run.waitForInit(); err != nil {
		return err
	}
	if interrupted {
		return run.interruption(ctx, spec)
	}
	return run.result(spec, ended)
}

// A running is a started sandbox: the bubblewrap process that watches, and the
// init of the new process namespace, whose death the kernel makes the death of
// every process in it.
type running struct {
	cmd    *exec.Cmd
	status *statusReader
	stderr *tail
	// inputErr receives what reading the caller's Stdin ended with, if that
	// was not its end or the program's.
	inputErr chan error
	init     int // its pid here; zero if it never came to life
	initFD   int // pidfd of init; -1 if it never came to life
}

// start starts bubblewrap and holds the program back until init can be
// watched; only then is it certain that the watched pid is the right one.
func (b *Bwrap) start(ctx context.Context, spec Spec) (*running, error) {
	argv, err := b.Argv(spec)
	if err != nil {
		return nil, err
	}
	files, err := openFiles(spec)
	if err != nil {
		return nil, err
	}
	defer files.closeChild()

	run := &running{status: newStatusReader(files.status), stderr: &tail{}, inputErr: make(chan error, 1), initFD: -1}
	run.cmd = exec.CommandContext(context.WithoutCancel(ctx), argv[0], argv[1:]...)
	run.cmd.Env = []string{}
	run.cmd.Dir = "/"
	// A group of its own, since what is pressed in a terminal is for the caller, who ends ctx if he
	// sees fit. The signal covers the time until bubblewrap asks for it itself.
	run.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	run.cmd.ExtraFiles = files.child
	run.attachOutput(spec)
	feed, err := run.attachInput(spec)
	if err != nil {
		files.closeParent()
		return nil, &SetupError{Argv: spec.Argv, Root: spec.Root, Err: err}
	}
	if err := run.cmd.Start(); err != nil {
		files.closeParent()
		return nil, &SetupError{Argv: spec.Argv, Root: spec.Root, Err: err}
	}
	files.closeChild()
	go feed()
	run.watchInit()
	if err := files.release(); err != nil {
		run.kill()
	}
	return run, nil
}

// watchInit learns which process is init. If bubblewrap ends before it says
// so, there is none.
func (r *running) watchInit() {
	pid, ok := r.status.childPID()
	if !ok {
		return
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	r.init, r.initFD = pid, fd
}

// supervise returns when bubblewrap has ended, and whether that was because
// the context had.
func (r *running) supervise(ctx context.Context, waited <-chan error, grace time.Duration) (ended error, interrupted bool) {
	select {
	case err := <-waited:
		return err, false
	case <-ctx.Done():
	}
	r.terminate()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case err := <-waited:
		return err, true
	case <-timer.C:
	}
	r.kill()
	return <-waited, true
}

// terminate asks the program's process group, of which init is the leader, to
// end. Init itself has no handler and so is not touched.
func (r *running) terminate() {
	if r.initFD < 0 {
		r.kill()
		return
	}
	if unix.PidfdSendSignal(r.initFD, 0, nil, 0) != nil {
		return
	}
	if err := unix.Kill(-r.init, unix.SIGTERM); err != nil {
		r.kill()
	}
}

// kill ends init and with it the whole namespace; where there is none, the
// watching process. Errors mean that it is gone already.
func (r *running) kill() {
	if r.initFD >= 0 {
		_ = unix.PidfdSendSignal(r.initFD, unix.SIGKILL, nil, 0)
		return
	}
	_ = r.cmd.Process.Kill()
}

// waitForInit returns when the kernel has reaped the namespace. Bubblewrap
// ends when the program does, whatever the program left running.
func (r *running) waitForInit() error {
	if r.initFD < 0 {
		return nil
	}
	r.kill()
	fds := []unix.PollFd{{Fd: int32(r.initFD), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, -1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("wait for the sandbox to end: %w", err)
		}
		return nil
	}
}

// interruption is the error of a run that was not left to end by itself.
func (r *running) interruption(ctx context.Context, spec Spec) error {
	if !errors.Is(context.Cause(ctx), errTimeout) {
		return fmt.Errorf("%s: %w", commandName(spec.Argv), context.Cause(ctx))
	}
	code, _ := r.status.exitCode()
	return &ExitError{Argv: spec.Argv, Code: code, TimedOut: true, Timeout: spec.Timeout}
}

func (r *running) result(spec Spec, ended error) error {
	code, started := r.status.exitCode()
	if !started {
		return &SetupError{Argv: spec.Argv, Root: spec.Root, Reason: r.stderr.lastLine(), Err: ended}
	}
	if code != 0 {
		exit := &ExitError{Argv: spec.Argv, Code: code}
		if code > 128 && code <= 128+64 {
			exit.Signal = syscall.Signal(code - 128)
		}
		return exit
	}
	if ended != nil {
		return fmt.Errorf("%s: output: %w", commandName(spec.Argv), ended)
	}
	select {
	case err := <-r.inputErr:
		return fmt.Errorf("%s: input: %w", commandName(spec.Argv), err)
	default:
		return nil
	}
}

func (r *running) close() {
	r.status.close()
	if r.initFD >= 0 {
		_ = unix.Close(r.initFD) // nothing was written to a pidfd
	}
}
