package deploy

import (
	"context"
	"log/slog"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Options are what a sysroot needs from outside. The zero value is right for the running system.
type Options struct {
	// Repo is passed on to the repository.
	Repo ostree.Options
	// LockTimeout is how long to wait for a lock that another process holds. Zero does not wait at
	// all, a negative duration waits until the context is done.
	LockTimeout time.Duration
	// HostRoot is the root of the running system, "/" by default, and RunDir its /run. They tell
	// which deployment is booted.
	HostRoot, RunDir string
	// EntryNames is how boot entries are named.
	EntryNames EntryNames
	// Bootloader replaces the one that is found by looking at the system.
	Bootloader bootloader.Bootloader
	// GRUBGenerator makes the menu of a GRUB that is found by looking at the system; see
	// [bootloader.GRUB].
	GRUBGenerator string
	// Bases returns further commits that a deployment needs, such as the base commit of an assembled
	// one. They get refs apt-ostree/base/N, which protect them from being pruned, together with the
	// refs of the deployed commits. Nil leaves existing refs of that kind alone.
	Bases func(ctx context.Context, d Deployment) ([]ostree.Checksum, error)
	// StartFinalizer makes sure that [Sysroot.Finalize] runs when the system shuts down. It is called
	// before a deployment is staged. Nil starts ostree-finalize-staged.service, whose stopping it is;
	// with a RunDir, which no service manager looks at, it does nothing.
	StartFinalizer func(ctx context.Context) error
	// Composefs writes the composefs image of every new deployment, as libostree does since it knows
	// them, and not only of those whose initramfs mounts it.
	Composefs bool
	// NoDeviceTrees leaves the device trees of new deployments out of their kernels, as libostree did
	// long ago and still does with "no-dtb" for debugging.
	NoDeviceTrees bool
	// NoEarlyPrune reports that there is no room for new kernels in /boot, where otherwise deployments
	// that the new list drops would be removed before it is in effect instead of after it (libostree's
	// "no-early-prune").
	NoEarlyPrune bool
	// Mutable leaves new deployments without the immutable attribute (libostree's
	// "mutable-deployments" for debugging).
	Mutable bool
	// NoSync skips all syncing. A power failure then loses data: it is for tests and for images that
	// are synced as a whole.
	NoSync bool
	// TestFreeze makes changes fail with a [*FreezeTestError] where the file system of /boot would be
	// frozen, after trying out what thaws it in an emergency (libostree's "test-fifreeze").
	TestFreeze bool
	// Report is told what changes do, by the goroutine that makes the change. It must not block. Nil
	// means that nobody wants to know.
	Report func(Event)
	// Logger receives notes for maintainers. Nil discards them.
	Logger *slog.Logger
}

// EntryNames is a way to name boot entries.
type EntryNames int

const (
	// NamesShort makes "ostree-2.conf", as libostree does since 2024.5: boot loaders that sort by
	// file name then agree with those that sort by version.
	NamesShort EntryNames = iota
	// NamesWithStateroot makes "ostree-2-debian.conf", as libostree did before and still does with
	// bootloader-naming-1.
	NamesWithStateroot
)

func (o Options) hostRoot() string {
	if o.HostRoot == "" {
		return "/"
	}
	return o.HostRoot
}

func (o Options) runDir() string {
	if o.RunDir == "" {
		return "/run"
	}
	return o.RunDir
}

func (o Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Logger
}
