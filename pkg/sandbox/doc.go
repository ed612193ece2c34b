// Package sandbox runs programs that are not trusted to behave, such as
// maintainer scripts, as root inside a directory tree.
//
// Three nouns carry it:
//
//   - [Spec] says what to run and what it may see. It is data: it can be
//     compared, logged and asserted on.
//   - [Runner] runs a Spec and returns when the last process it started is
//     gone, including daemons a script left behind.
//   - [Overlay] gives the program a tree it may write to while the tree below
//     stays as it was.
//
// The first call is [New], which finds a jail on this machine and tries it:
//
//	jail, err := sandbox.New(ctx, sandbox.Options{})
//	…
//	err = jail.Run(ctx, sandbox.Spec{
//		Root:   "/srv/tree",
//		Argv:   []string{"dpkg", "--configure", "--pending"},
//		Env:    sandbox.DefaultEnv(epoch),
//		Stdout: log,
//		Stderr: log,
//	})
//
// # What the program sees
//
// Its own network (none, unless [Spec.Network]), process table, System V IPC,
// host name and cgroup root; a new session without a terminal; the tree at /,
// and over it a fresh /proc, a minimal /dev, an empty read-only /sys, and
// fresh writable /run (with /run/lock), /tmp and /dev/shm. /var/tmp belongs to
// the tree: put a [Tmpfs] or a [Bind] there for programs that fill it. Nothing
// of the caller's environment, descriptors, umask or standard input reaches
// it, and it holds only the capabilities of [DefaultCapabilities].
//
// # What it promises
//
// The time limit and the cancellation of the context end every process of the
// sandbox, first politely, then not. If the calling process dies, so does the
// sandbox. A [Bwrap] is safe for concurrent use.
//
// The tree is written to only by the program, except that missing mount points
// (/proc, /dev, /sys, /run, /tmp) are created in it unless it is read-only.
package sandbox
