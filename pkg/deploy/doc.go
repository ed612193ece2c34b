// Package deploy manages the deployments of an OSTree system: commits that are checked out beside
// each other, of which the boot loader starts one.
//
// A [Sysroot] is the physical root that holds everything: the repository, the stateroots (groups of
// deployments that share /var) and their deployments. A [Deployment] is one checked-out commit with
// its own /etc, its kernel arguments and its origin, the file that says what it follows.
//
//	s, err := deploy.Open("/", deploy.Options{})
//	d, err := s.Deploy(ctx, commit, origin.New("debian:trixie"), deploy.DeployOptions{})
//	report, err := s.Cleanup(ctx)
//
// Layout and behaviour are those of libostree: what this package writes "ostree admin" reads, and
// the reverse. [Init] and [Sysroot.InitStateroot] make what it needs.
//
// # Staging
//
// A running system can let a change wait: [Sysroot.Stage] prepares a deployment, and
// [Sysroot.Finalize], which ostree-finalize-staged.service runs at shutdown, makes it effective with
// what /etc has become by then. Until then it is the first of the list and marked as staged. What is
// staged here libostree can finalize, and the reverse. [Sysroot.BootComplete] reports a shutdown that
// could not.
//
// # Health
//
// [Sysroot.AssessBoot] finds out after a boot whether the running deployment works, and goes back to
// the one before if it does not.
//
// # Changes
//
// Every change of the list of deployments has one commit point, a rename, and everything it needs
// is on disk before. After a crash the system boots the old or the new list, and what is left over
// is garbage that the next change or [Sysroot.Cleanup] removes. Changes never remove the running
// deployment, and never anything at all but through Cleanup, which also prunes the repository.
//
// A change takes the lock that "ostree admin" takes, unless [Sysroot.Lock] already holds it. Several
// changes under one lock are what a transaction wants.
//
// # Concurrency
//
// Reading is safe at any time and from several goroutines. Changes through one Sysroot must come
// one after another; other processes are kept out by the lock.
package deploy
