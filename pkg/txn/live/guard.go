package live

import (
	"fmt"
	"path"
	"strings"
)

// UnsafeError says that a change cannot be made to a running system: it would go on with parts of two
// that do not fit.
type UnsafeError struct {
	// Path is the first that speaks against it, and What it is of.
	Path, What string
}

func (e *UnsafeError) Error() string {
	return fmt.Sprintf("%s would change (/%s), which a running system cannot take; reboot into the deployment instead", e.What, e.Path)
}

// Check refuses changes of what runs all the time: the kernel with its modules, the C library with its
// loader, and the system manager.
func Check(paths []string) error {
	for _, p := range paths {
		if what := vital(p); what != "" {
			return &UnsafeError{Path: p, What: what}
		}
	}
	return nil
}

func vital(p string) string {
	base := path.Base(p)
	switch {
	case strings.HasPrefix(p, "usr/lib/modules/"):
		return "the kernel"
	case strings.HasPrefix(p, "usr/lib") && (base == "libc.so.6" || strings.HasPrefix(base, "ld-linux") && strings.Contains(base, ".so")):
		return "the C library"
	case p == "usr/lib/systemd/systemd", strings.HasPrefix(p, "usr/lib") && strings.HasPrefix(base, "libsystemd-shared-"):
		return "systemd"
	}
	return ""
}
