package busapi

import (
	"context"
	"time"

	"github.com/godbus/dbus/v5"
)

// Authority decides what the callers on a bus may do.
type Authority interface {
	// Check says whether the owner of a unique name is allowed an action. It may ask the user.
	Check(ctx context.Context, sender, action string) (bool, error)
}

// polkit is the authority of a system.
type polkit struct{ conn *dbus.Conn }

// askTimeout is how long a user has to type a password.
const askTimeout = 5 * time.Minute

const allowInteraction uint32 = 1

// Check asks polkit, which names the caller by the connection and so cannot be told a lie about it.
func (p polkit) Check(ctx context.Context, sender, action string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	type subject struct {
		Kind    string
		Details map[string]dbus.Variant
	}
	var result struct {
		Allowed, Challenge bool
		Details            map[string]string
	}
	who := subject{"system-bus-name", map[string]dbus.Variant{"name": dbus.MakeVariant(sender)}}
	err := p.conn.Object("org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority").
		CallWithContext(ctx, "org.freedesktop.PolicyKit1.Authority.CheckAuthorization", 0, who, action, map[string]string{}, allowInteraction, "").
		Store(&result)
	return result.Allowed, err
}
