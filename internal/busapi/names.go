package busapi

import (
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"
)

// Names are what the daemon is called on a bus.
type Names struct {
	// Bus is the well-known name and the prefix of interfaces and polkit actions.
	Bus string
	// Root is the path of the object manager, OSes what the objects of stateroots are below.
	Root, OSes dbus.ObjectPath
	// Errors is the prefix of error names.
	Errors string
}

// Native are the names of apt-ostree.
func Native() Names {
	return Names{
		Bus: "org.aptostree.dev", Root: "/org/aptostree/dev", OSes: "/org/aptostree/dev/OS",
		Errors: "org.aptostree.dev.Error.",
	}
}

// Compat are the names of rpm-ostree, for front ends that know no others.
func Compat() Names {
	return Names{
		Bus: "org.projectatomic.rpmostree1", Root: "/org/projectatomic/rpmostree1", OSes: "/org/projectatomic/rpmostree1",
		Errors: "org.projectatomic.rpmostreed.Error.",
	}
}

// Interface gives the full name of an interface: Sysroot, OS, OSExperimental or Transaction.
func (n Names) Interface(short string) string { return n.Bus + "." + short }

// Sysroot is the path of the object for the whole system.
func (n Names) Sysroot() dbus.ObjectPath { return n.Root + "/Sysroot" }

// OS is the path of a stateroot's object.
func (n Names) OS(stateroot string) dbus.ObjectPath {
	return n.OSes + "/" + dbus.ObjectPath(escapePath(stateroot))
}

// escapePath spells a name with what a path may have, as rpm-ostree does: letters, digits and "_" stay, "/" and
// "-" become "_", every other byte "_" and its value in hexadecimal.
func escapePath(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_':
			b.WriteByte(c)
		case c == '/', c == '-':
			b.WriteByte('_')
		default:
			fmt.Fprintf(&b, "_%02x", c)
		}
	}
	return b.String()
}
