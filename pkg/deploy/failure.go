package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// failureStamps are where a failure to finalize is written: to /boot, where libostree looks for it, or beside the
// deployments when the failure is one of /boot, which may be full or read-only.
func (s *Sysroot) failureStamps() []string {
	const name = "ostree/finalize-failure.stamp"
	return []string{filepath.Join(s.bootPath(), name), filepath.Join(s.path, name)}
}

// recordFailure leaves a note for the next boot.
func (s *Sysroot) recordFailure(failure error) error {
	var failed []error
	for _, stamp := range s.failureStamps() {
		err := os.MkdirAll(filepath.Dir(stamp), 0o755)
		if err == nil {
			err = fsx.WriteFile(stamp, []byte(failure.Error()), 0o644)
		}
		if err == nil {
			return nil
		}
		failed = append(failed, fmt.Errorf("leave a note of it: %w", err))
	}
	return errors.Join(failed...)
}

// maxFailure bounds what is read of a failure's text.
const maxFailure = 64 << 10

// FinalizeFailure returns why the last shutdown did not finalize what was staged, "" when it did.
// The text is kept until [Sysroot.BootComplete] has been called, and from then on until the next
// reboot.
func (s *Sysroot) FinalizeFailure() (string, error) {
	text, _, err := readFirst(append(s.failureStamps(), s.failureNote()))
	return text, err
}

// readFirst reads the first of several files that exists; none is no error, and no path.
func readFirst(paths []string) (text, path string, err error) {
	for _, path := range paths {
		text, err := readBounded(path, maxFailure)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return text, path, err
	}
	return "", "", nil
}

// failureNote is where the text is from [Sysroot.BootComplete] to the next reboot.
func (s *Sysroot) failureNote() string {
	return filepath.Join(s.opts.runDir(), "ostree/finalize-failure")
}

// FinalizeError says that the last shutdown did not finalize what was staged.
type FinalizeError struct {
	// Text is what went wrong then.
	Text string
}

// Error names what went wrong.
func (e *FinalizeError) Error() string {
	return "the staged deployment was not finalized at the last shutdown: " + e.Text
}

// BootComplete does what is left to do once the system has booted ("ostree admin boot-complete"):
// it takes notice of a failure of the last shutdown, which is a [*FinalizeError] this once, and
// remembers it until the next reboot.
func (s *Sysroot) BootComplete(ctx context.Context) error {
	unlock, err := s.hold(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	text, stamp, err := readFirst(s.failureStamps())
	if err != nil {
		return fmt.Errorf("boot complete: %w", err)
	}
	if stamp == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(s.failureNote()), 0o755); err != nil {
		return err
	}
	if err := fsx.WriteFile(s.failureNote(), []byte(text), 0o644); err != nil {
		return err
	}
	if err := removeAll(stamp); err != nil {
		return err
	}
	return &FinalizeError{Text: text}
}

// readBounded reads the beginning of a file as text.
func readBounded(path string, limit int64) (text string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err := io.ReadAll(io.LimitReader(f, limit))
	return strings.ToValidUTF8(strings.TrimSpace(string(data)), "?"), err
}
