// Package systemd asks the service manager what the commands of this project need of it.
package systemd

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// BlockedError says that a program which must not be interrupted keeps the system from rebooting.
type BlockedError struct {
	// Why is what systemd says: who blocks, and for what.
	Why string
}

// Error names the one who blocks and the way out.
func (e *BlockedError) Error() string {
	return "Reboot blocked: " + e.Why + "; the change is complete and takes effect with the next reboot"
}

// Reboot asks for one and returns before it does. The error is a [*BlockedError] when a
// shutdown inhibitor of mode block is held (systemd-inhibit(1)).
func Reboot(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "systemctl", "reboot", "--check-inhibitors=yes").CombinedOutput()
	text := strings.TrimSpace(string(out))
	switch {
	case err == nil:
		return nil
	case strings.Contains(text, "inhibited by"):
		return &BlockedError{Why: text}
	}
	return fmt.Errorf("systemctl reboot: %w: %s", err, text)
}
