package txn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"syscall"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/live"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// Kind classifies a failure for programs: it is stable, unlike the text of errors.
type Kind string

// The kinds, in the order they are looked for.
const (
	KindCanceled      Kind = "canceled"      // the caller gave up
	KindBusy          Kind = "busy"          // another process changes the system
	KindNoSpace       Kind = "no-space"      // a disk is full
	KindUntrusted     Kind = "untrusted"     // a signature or hash is wrong, missing or expired
	KindUnavailable   Kind = "unavailable"   // an archive no longer has what its index promised, or the cache lacks it
	KindNotFound      Kind = "not-found"     // a package, ref, commit or deployment does not exist
	KindUnsatisfiable Kind = "unsatisfiable" // no set of packages meets the requests
	KindScriptFailed  Kind = "script-failed" // a maintainer script failed
	KindNotSysroot    Kind = "not-a-sysroot" // the path has no OSTree system
	KindRequest       Kind = "request"       // the change does not fit the system's state
	KindStale         Kind = "stale"         // the system changed since it was planned
	KindPermission    Kind = "permission"    // not allowed to
	KindConfiguration Kind = "configuration" // local changes in /etc stand in the way
	KindUnsupported   Kind = "unsupported"   // known, but not done by this program yet
	KindOther         Kind = "other"         // everything else
)

// RequestError says that a change does not fit the present state: already requested, not
// requested, provided by the base.
type RequestError struct {
	Message string
	// AllowInactive says that [Change.AllowInactive] would accept it, AllowDowngrade the same of
	// [Change.AllowDowngrade].
	AllowInactive, AllowDowngrade bool
	// RemoveEssential says that [Change.RemoveEssential] would accept it.
	RemoveEssential bool
	// Replace says that local packages cannot be layered but could take the place of the base's.
	Replace bool
}

func (e *RequestError) Error() string { return e.Message }

// StaleError says that the system changed between Plan and Apply.
type StaleError struct{ What string }

func (e *StaleError) Error() string {
	return "the system changed since the plan was made (" + e.What + "); plan again"
}

// NoDeploymentError says that there is no deployment that the change could start from.
type NoDeploymentError struct {
	Sysroot, Stateroot string
	// Need is how many deployments are wanted, Have how many there are.
	Need, Have int
}

func (e *NoDeploymentError) Error() string {
	where := e.Sysroot
	if e.Stateroot != "" {
		where += ", stateroot " + e.Stateroot
	}
	if e.Need > 1 {
		return fmt.Sprintf("%s: %d deployments, %d are needed to roll back", where, e.Have, e.Need)
	}
	return where + ": nothing is deployed"
}

// RevisionError says that nothing in the repository has the name that was to be deployed.
type RevisionError struct {
	Revision string
	// Refspec is what was searched for a version, "" if there was none to search.
	Refspec string
	// Version says that it was to be a version and nothing else.
	Version bool
	Repo    string
}

func (e *RevisionError) Error() string {
	switch {
	case e.Version:
		return fmt.Sprintf("%s: no commit of version %q in the history that %s has", e.Refspec, e.Revision, e.Repo)
	case e.Refspec == "":
		return fmt.Sprintf("%q is neither a ref nor a commit of %s", e.Revision, e.Repo)
	}
	return fmt.Sprintf("%q is neither a version on %s nor a ref or commit of %s", e.Revision, e.Refspec, e.Repo)
}

// Classify says what kind of failure an error of this package or of the packages below it is.
func Classify(err error) Kind {
	switch {
	case errors.Is(err, context.Canceled):
		return KindCanceled
	case as[*step.BusyError](err), as[*deploy.BusyError](err), errors.Is(err, ostree.ErrLocked):
		return KindBusy
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, ostree.ErrNoSpace):
		return KindNoSpace
	case as[*apt.UntrustedError](err), as[*apt.HashMismatchError](err), as[*sign.NoSignatureError](err), as[*sign.InvalidError](err),
		as[*sign.NoKeysError](err), as[*ostree.ChecksumError](err), as[*ostree.BindingError](err),
		as[*oci.LayerError](err), as[*oci.DigestError](err):
		return KindUntrusted
	case as[*apt.SupersededError](err), as[*apt.OfflineError](err), as[*PartialError](err), as[*LocalError](err):
		return KindUnavailable
	case as[*solve.UnsatisfiableError](err):
		return KindUnsatisfiable
	case as[*assemble.ScriptError](err):
		return KindScriptFailed
	case as[*deploy.NotSysrootError](err):
		return KindNotSysroot
	case as[*solve.NotFoundError](err), errors.Is(err, ostree.ErrRefNotFound), errors.Is(err, ostree.ErrObjectNotFound), errors.Is(err, oci.ErrNotFound),
		as[*NoDeploymentError](err), as[*RevisionError](err), as[*BranchError](err), as[*deploy.StaterootError](err), as[*deploy.NotFoundError](err):
		return KindNotFound
	case as[*RequestError](err), as[*KernelError](err), as[*DriverError](err), as[*LiveError](err), as[*live.UnsafeError](err),
		as[*deploy.UnlockedError](err), errors.Is(err, deploy.ErrNotBooted), errors.Is(err, deploy.ErrPinStaged):
		return KindRequest
	case as[*StaleError](err):
		return KindStale
	case as[*etcmerge.ConflictError](err):
		return KindConfiguration
	case as[*oci.UnsupportedError](err):
		return KindUnsupported
	case errors.Is(err, fs.ErrPermission):
		return KindPermission
	}
	return KindOther
}

func as[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// Remedy is a way out of a failure.
type Remedy struct {
	// Text says what to do. Change, if not nil, does it, or Live.
	Text   string
	Change *Change
	Live   *LiveChange
}

// Advise gives the ways out of a failure of applying or planning a change, the best first.
func Advise(err error, c Change) []Remedy {
	retry := c
	switch Classify(err) {
	case KindUnsatisfiable:
		return adviseUnsatisfiable(err, c)
	case KindNotFound:
		return adviseNotFound(err, c)
	case KindUnavailable:
		if local, ok := errors.AsType[*LocalError](err); ok {
			return adviseLocal(local, c)
		}
		retry.CacheOnly = false
		return []Remedy{{Text: "refresh the archive metadata and try again", Change: &retry}}
	case KindRequest:
		request, ok := errors.AsType[*RequestError](err)
		switch {
		case as[*DriverError](err):
			retry.BypassDriver = true
			return []Remedy{{Text: "ignore the driver, if you know that it does not mind", Change: &retry}}
		case as[*KernelError](err):
			return adviseKernel(err, c)
		case as[*LiveError](err):
			return adviseLive(err)
		case !ok:
			return nil
		case request.AllowInactive:
			retry.AllowInactive = true
			return []Remedy{{Text: "request it all the same, in case a later base lacks it", Change: &retry}}
		case request.AllowDowngrade:
			retry.AllowDowngrade = true
			return []Remedy{{Text: "go back to the older base on purpose", Change: &retry}}
		case request.Replace:
			retry.OverrideReplaceLocal = append(slices.Clone(c.OverrideReplaceLocal), c.InstallLocal...)
			retry.InstallLocal = nil
			return []Remedy{{Text: "put it in the place of the base's", Change: &retry}}
		case request.RemoveEssential:
			retry.RemoveEssential = true
			return []Remedy{{Text: "leave it out all the same, if something else takes its place", Change: &retry}}
		}
	case KindNoSpace:
		return []Remedy{{Text: "remove old deployments and cached packages, or enlarge the file system"}}
	case KindStale:
		return []Remedy{{Text: "try again", Change: &retry}}
	case KindPermission:
		return []Remedy{{Text: "run it as root"}}
	}
	return nil
}
