package busapi

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// Errors of D-Bus itself, which clients know.
const (
	errAccessDenied  = "org.freedesktop.DBus.Error.AccessDenied"
	errInvalidArgs   = "org.freedesktop.DBus.Error.InvalidArgs"
	errNotSupported  = "org.freedesktop.DBus.Error.NotSupported"
	errReadOnly      = "org.freedesktop.DBus.Error.PropertyReadOnly"
	errUnknownObject = "org.freedesktop.DBus.Error.UnknownObject"
	errUnknownIface  = "org.freedesktop.DBus.Error.UnknownInterface"
	errUnknownMethod = "org.freedesktop.DBus.Error.UnknownMethod"
	errUnknownProp   = "org.freedesktop.DBus.Error.UnknownProperty"
)

// BusyError says that another transaction runs.
type BusyError struct{ Title string }

func (e *BusyError) Error() string {
	return "Transaction in progress: " + e.Title + "\n You can cancel the current transaction with `apt-ostree cancel`"
}

// DeniedError says that polkit did not allow a caller something.
type DeniedError struct {
	// Action is what was asked for.
	Action string
	Method string
}

func (e *DeniedError) Error() string {
	return fmt.Sprintf("apt-ostreed operation %s not allowed for user (%s)", e.Method, e.Action)
}

// UnsupportedError says that a member which rpm-ostree has means nothing here.
type UnsupportedError struct{ What, Why string }

func (e *UnsupportedError) Error() string { return e.What + ": " + e.Why }

// dbusError gives an error the name it has on the bus.
func dbusError(names Names, err error) *dbus.Error {
	if own, ok := err.(*dbus.Error); ok { //nolint:errorlint // one that is wrapped is of somebody whom we asked
		return own
	}
	return &dbus.Error{Name: errorName(names, err), Body: []any{err.Error()}}
}

func errorName(names Names, err error) string {
	switch {
	case is[*ArgumentError](err):
		return errInvalidArgs
	case is[*DeniedError](err):
		return errAccessDenied
	case is[*UnsupportedError](err):
		return errNotSupported
	case is[*BusyError](err):
		return names.Errors + "UpdateInProgress"
	}
	if names == Compat() {
		return names.Errors + compatKind(txn.Classify(err))
	}
	return names.Errors + kindName(txn.Classify(err))
}

func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// kindName spells a kind as errors are spelled on a bus. Three kinds have rpm-ostree's names.
func kindName(kind txn.Kind) string {
	if name := compatKind(kind); name != "Failed" || kind == txn.KindOther {
		return name
	}
	var b strings.Builder
	for word := range strings.SplitSeq(string(kind), "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

func compatKind(kind txn.Kind) string {
	switch kind {
	case txn.KindBusy:
		return "UpdateInProgress"
	case txn.KindNotSysroot:
		return "InvalidSysroot"
	case txn.KindPermission:
		return "NotAuthorized"
	}
	return "Failed"
}

// RemoteError is an error as a transaction tells it: the text, and what a program needs to help.
type RemoteError struct {
	Kind    txn.Kind `json:"kind"`
	Message string   `json:"error"`
	// Output is what the program that failed said at last.
	Output   []string `json:"output,omitempty"`
	Remedies []Remedy `json:"remedies,omitempty"`
}

// Remedy is a way out of a failure.
type Remedy struct {
	Text   string          `json:"text"`
	Change *txn.Change     `json:"change,omitempty"`
	Live   *txn.LiveChange `json:"live,omitempty"`
}

// Error is the text.
func (f *RemoteError) Error() string { return f.Message }

// Is makes a failure that is a cancellation the same as one in this process.
func (f *RemoteError) Is(target error) bool {
	return target == context.Canceled && f.Kind == txn.KindCanceled
}

// maxOutput is in lines; the log has them all.
const maxOutput = 50

// newFailure describes the error that a change ended with.
func newFailure(err error, change txn.Change) *RemoteError {
	f := &RemoteError{Kind: txn.Classify(err), Message: err.Error()}
	if script, ok := errors.AsType[*assemble.ScriptError](err); ok {
		f.Output = script.Log
	} else if pkg, ok := errors.AsType[*assemble.PackageError](err); ok {
		f.Output = pkg.Log
	}
	f.Output = f.Output[max(0, len(f.Output)-maxOutput):]
	for _, r := range txn.Advise(err, change) {
		f.Remedies = append(f.Remedies, Remedy(r))
	}
	return f
}
