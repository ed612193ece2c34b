package bootloader

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
)

// Bootloader keeps the configuration of a boot loader in step with the boot entries.
type Bootloader interface {
	// Name is the name that the repository configuration uses (sysroot.bootloader).
	Name() string
	// Write makes the configuration for the new entries. It must not touch what is in effect: the
	// place for files is the directory loader.VERSION, which becomes loader in one step later.
	Write(ctx context.Context, c Config) error
	// Finish runs after the switch, for boot loaders that have to be told about it, and again before
	// anything is removed that was in effect before, in case a crash came between. What is in effect
	// then need not be from here.
	Finish(ctx context.Context, c Config) error
}

// Config is what a configuration is made from.
type Config struct {
	// Sysroot is the path of the physical root, Boot that of its boot directory.
	Sysroot, Boot string
	// Version is the number of the loader directory that is about to become effective, 0 or 1.
	Version int
	// Entries are the new boot entries, the default first.
	Entries []*bootentry.Entry
	// Names are the file names of Entries, with their boot counters.
	Names []bootentry.Name
	// Default is the path of the deployment that boots by default, "" when there is none.
	Default string
	// After is told of each thing that is done, "write-…" or "finish-…"; tests stop there. Nil means that nobody
	// wants to know.
	After func(step string)
}

// step says that something is done.
func (c Config) step(name string) {
	if c.After != nil {
		c.After(name)
	}
}

// loaderDir is the directory that becomes effective.
func (c Config) loaderDir() string { return filepath.Join(c.Boot, fmt.Sprintf("loader.%d", c.Version)) }

// file is a file in that directory.
func (c Config) file(name string) string { return filepath.Join(c.loaderDir(), name) }

// tries returns how often the default may be tried, and whether that is counted at all.
func (c Config) tries() (left int, counted bool) {
	if len(c.Names) == 0 {
		return 0, false
	}
	return c.Names[0].TriesLeft, c.Names[0].Counted
}

// inDevice returns a path of a boot entry as a boot loader sees it that looks at one file system: it
// begins with /boot when that is part of the root file system.
func (c Config) inDevice(path string) string {
	var root, boot unix.Stat_t
	if unix.Stat(c.Sysroot, &root) != nil || unix.Stat(c.Boot, &boot) != nil || root.Dev != boot.Dev {
		return path
	}
	return fromRoot(path)
}

// linux returns the kernel of an entry, without which there is nothing to boot.
func linux(e *bootentry.Entry) (string, error) {
	path := e.Get(bootentry.KeyLinux)
	if path == "" {
		return "", fmt.Errorf("boot entry %q has no key linux", title(e))
	}
	return path, nil
}

// title returns what a menu shows.
func title(e *bootentry.Entry) string {
	if t := e.Get(bootentry.KeyTitle); t != "" {
		return t
	}
	return "(Untitled)"
}

// initrds returns all initrds of an entry.
func initrds(e *bootentry.Entry) []string {
	if first := e.Get(bootentry.KeyInitrd); first != "" {
		return append([]string{first}, e.Overlays()...)
	}
	return nil
}

// fromRoot makes a path of a boot entry begin with /boot. That is right whether /boot is a file system
// of its own or not, because there is a link boot -> . in it.
func fromRoot(path string) string {
	if strings.HasPrefix(path, "/boot/") {
		return path
	}
	return "/boot" + path
}

// None is the boot loader that reads boot entries itself, or that someone else configures.
type None struct{}

// Name returns "none".
func (None) Name() string { return "none" }

// Write does nothing.
func (None) Write(context.Context, Config) error { return nil }

// Finish does nothing.
func (None) Finish(context.Context, Config) error { return nil }
