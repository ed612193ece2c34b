package deploy

import "github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"

// Event is something about a change that its user may want to know: a [LockWait], an [EtcMerged] or
// a [Written]. See [Options.Report].
type Event interface{ event() }

// LockWait says that another process holds the lock of the sysroot, and that the change waits for it.
type LockWait struct{}

// EtcMerged says that local configuration was carried over to a new deployment.
type EtcMerged struct {
	Report *etcmerge.Report
}

// Written says that a new list of deployments is in effect.
type Written struct {
	// Boot and Sub name the link farm that is in effect, /ostree/boot.BOOT.SUB.
	Boot, Sub int
	// Entries tells whether there are new boot entries. Otherwise only the link farm was switched.
	Entries bool
	// Atomic tells whether everything took effect in one step. It did not when the boot loader has a
	// configuration that is written after the switch, or one that nobody knows about.
	Atomic bool
	// Added is by how much the list grew, negative when it shrank.
	Added int
}

func (LockWait) event()  {}
func (EtcMerged) event() {}
func (Written) event()   {}

func (s *Sysroot) report(e Event) {
	if s.opts.Report != nil {
		s.opts.Report(e)
	}
}
