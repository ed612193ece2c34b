package bootloader

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
)

// Bootloader keeps the configuration of a boot loader in step with the boot entries.
type Bootloader interface {
	// Name is the name that the repository configuration uses (sysroot.bootloader).
	Name() string
	// Write makes the configuration for the new entries. It must not touch what is in effect: the
	// place for files is the directory loader.VERSION, which becomes loader in one step later.
	Write(ctx context.Context, c Config) error
	// Finish runs after the switch, for boot loaders that have to be told about it. It is repeated
	// after a crash, so it must bear that.
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
	// Default is the path of the deployment that boots by default, "" when there is none.
	Default string
}

// None is the boot loader that reads boot entries itself, or that someone else configures.
type None struct{}

// Name returns "none".
func (None) Name() string { return "none" }

// Write does nothing.
func (None) Write(context.Context, Config) error { return nil }

// Finish does nothing.
func (None) Finish(context.Context, Config) error { return nil }
