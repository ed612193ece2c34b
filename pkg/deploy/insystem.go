package deploy

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// inSystem does something with the mounts that the system's first process has, if the system is the running one. A
// service whose unit protects anything, such as the daemon, has a mount namespace of its own: no mount gets out of it,
// and what it sees may be covered.
func (s *Sysroot) inSystem(do func() error) error {
	if s.opts.hostRoot() != "/" {
		return do()
	}
	system, err := os.Open("/proc/1/ns/mnt")
	if err != nil {
		return err
	}
	defer system.Close()
	done := make(chan error, 1)
	go func() {
		// The thread is not unlocked, so it ends with its namespace. It may only change that once it shares
		// root and working directory with no other thread.
		runtime.LockOSThread()
		err := os.NewSyscallError("unshare", unix.Unshare(unix.CLONE_FS))
		if err == nil {
			err = os.NewSyscallError("setns", unix.Setns(int(system.Fd()), unix.CLONE_NEWNS)) //nolint:gosec // descriptors are small
		}
		if err == nil {
			err = do()
		}
		done <- err
	}()
	return <-done
}
