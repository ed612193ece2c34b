package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// thawScript is what thaws a file system in an emergency. It waits until this process closes the
// other end of its standard input, which it also does by dying, or for half a minute.
const thawScript = `timeout 30 cat >/dev/null; fsfreeze --unfreeze "$1" 2>/dev/null; echo thawed`

// FreezeTestError says that a change was stopped as [Options.TestFreeze] asks for.
type FreezeTestError struct {
	// Path is the directory whose file system would have been frozen.
	Path string
	// Thawed tells that what thaws it in an emergency has run.
	Thawed bool
}

// Error names the directory.
func (e *FreezeTestError) Error() string {
	return fmt.Sprintf("stopped where %s would be frozen, as asked for (thawed in an emergency: %t)", e.Path, e.Thawed)
}

// freeze freezes the file system of a directory and thaws it at once, which writes back its journal.
// Were this process killed in between, nothing could write there any more; so another one watches
// it. Where there is nothing to watch with, the file system is only synced.
func (s *Sysroot) freeze(ctx context.Context, dir *os.File) error {
	stop, err := watchFreeze(ctx, dir.Name())
	if errors.Is(err, exec.ErrNotFound) {
		s.log.Warn("not frozen: fsfreeze, timeout and a shell are needed to thaw in an emergency", "path", dir.Name())
		return fsx.SyncFS(dir)
	}
	if err != nil {
		return err
	}
	if s.opts.TestFreeze {
		thawed, err := stop()
		return errors.Join(&FreezeTestError{Path: dir.Name(), Thawed: thawed}, err)
	}
	err = fsx.Freeze(dir)
	_, stopErr := stop()
	return errors.Join(err, stopErr)
}

// watchFreeze starts what thaws a file system when this process dies or hangs. Stopping it does the
// same, which does nothing to one that is thawed already, and reports whether it came to that.
func watchFreeze(ctx context.Context, path string) (stop func() (thawed bool, err error), err error) {
	for _, tool := range []string{"sh", "timeout", "fsfreeze"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, err
		}
	}
	// It has to outlive both a cancelled change and a signal to the process group.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "sh", "-c", thawScript, "sh", path)
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	var out bytes.Buffer
	cmd.Stdout = &out
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, stdin.Close())
	}
	return func() (bool, error) {
		err := errors.Join(stdin.Close(), cmd.Wait())
		return bytes.Contains(out.Bytes(), []byte("thawed")), err
	}, nil
}
