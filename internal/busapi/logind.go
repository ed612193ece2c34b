package busapi

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/godbus/dbus/v5"
)

// logind is the manager of sessions and shutdowns of a system.
type logind struct{ conn *dbus.Conn }

const loginManager = "org.freedesktop.login1.Manager."

func (l logind) call(ctx context.Context, method string, args ...any) *dbus.Call {
	return l.conn.Object("org.freedesktop.login1", "/org/freedesktop/login1").CallWithContext(ctx, loginManager+method, 0, args...)
}

// inhibit keeps the system from shutting down or sleeping until the file is closed.
func (l logind) inhibit(ctx context.Context, why string) (*os.File, error) {
	var fd dbus.UnixFD
	if err := l.call(ctx, "Inhibit", "shutdown:sleep", "apt-ostree", why, "block").Store(&fd); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "inhibitor"), nil
}

// inhibitors lists who else forbids a shutdown. One of our own may still be listed after it was closed: logind learns
// of that when it gets round to it.
func (l logind) inhibitors(ctx context.Context) ([]string, error) {
	var list []struct {
		What, Who, Why, Mode string
		UID, PID             uint32
	}
	if err := l.call(ctx, "ListInhibitors").Store(&list); err != nil {
		return nil, err
	}
	var out []string
	for _, i := range list {
		if i.Mode == "block" && i.PID != uint32(os.Getpid()) && strings.Contains(":"+i.What+":", ":shutdown:") {
			out = append(out, fmt.Sprintf("%s (%s)", i.Who, i.Why))
		}
	}
	return out, nil
}

// reboot restarts the system unless somebody forbids it.
func (l logind) reboot(ctx context.Context) error {
	who, err := l.inhibitors(ctx)
	if err != nil {
		return fmt.Errorf("reboot: %w", err)
	}
	if len(who) > 0 {
		return fmt.Errorf("reboot blocked by %s; the change is in place for the next boot", strings.Join(who, ", "))
	}
	if err := l.call(ctx, "Reboot", false).Err; err != nil {
		return fmt.Errorf("reboot: %w", err)
	}
	return nil
}
