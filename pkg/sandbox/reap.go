package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// KillBelow ends sandboxes with their root below dir whose program had not begun yet when the
// process that started them was killed. Bubblewrap's init asks the kernel to die with its parent
// only after it has waited for it, so that it may wait for ever, and keeps the mounts of dir in
// its mount namespace. A new process calls this before [UnmountBelow], and must be sure that
// nobody else uses dir.
func KillBelow(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range commands {
		text, err := os.ReadFile(file)
		if err != nil || !startsBelow(text, dir) {
			continue // it ended meanwhile, or is no concern of ours
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil {
			err = unix.Kill(pid, unix.SIGKILL)
		}
		if err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("kill sandbox below %s: process %d: %w", dir, pid, err))
		}
	}
	return errors.Join(errs...)
}

// startsBelow recognises a command line that Argv made.
func startsBelow(cmdline []byte, dir string) bool {
	words := strings.Split(string(bytes.TrimSuffix(cmdline, []byte{0})), "\x00")
	if len(words) < 2 || words[1] != "--die-with-parent" {
		return false
	}
	return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, dir+"/") })
}
