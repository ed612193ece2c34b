package txn_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want txn.Kind
	}{
		{context.Canceled, txn.KindCanceled},
		{&step.BusyError{}, txn.KindBusy},
		{&deploy.BusyError{}, txn.KindBusy},
		{&ostree.LockedError{}, txn.KindBusy},
		{syscall.ENOSPC, txn.KindNoSpace},
		{syscall.EDQUOT, txn.KindNoSpace},
		{&ostree.SpaceError{}, txn.KindNoSpace},
		{&assemble.ScriptError{Log: []string{"cp: x: No space left on device"}}, txn.KindNoSpace},
		{&assemble.PackageError{Message: "failed to write (No space left on device)"}, txn.KindNoSpace},
		{&assemble.ScriptError{Code: 1}, txn.KindScriptFailed},
		{&apt.UntrustedError{}, txn.KindUntrusted},
		{&apt.HashMismatchError{}, txn.KindUntrusted},
		{&apt.SupersededError{}, txn.KindUnavailable},
		{&apt.OfflineError{}, txn.KindUnavailable},
		{&solve.UnsatisfiableError{}, txn.KindUnsatisfiable},
		{&solve.NotFoundError{}, txn.KindNotFound},
		{&ostree.RefNotFoundError{}, txn.KindNotFound},
		{&ostree.ObjectNotFoundError{}, txn.KindNotFound},
		{&deploy.StaterootError{}, txn.KindNotFound},
		{&txn.NoDeploymentError{}, txn.KindNotFound},
		{&txn.RevisionError{}, txn.KindNotFound},
		{&deploy.NotSysrootError{}, txn.KindNotSysroot},
		{&txn.RequestError{}, txn.KindRequest},
		{&txn.StaleError{}, txn.KindStale},
		{fs.ErrPermission, txn.KindPermission},
		{errors.New("x"), txn.KindOther},
	} {
		require.Equal(t, c.want, txn.Classify(fmt.Errorf("somewhere: %w", &step.Error{Step: "s", Err: c.err})), "%T", c.err)
	}
}

func TestAdvise(t *testing.T) {
	t.Parallel()
	change := txn.Change{Install: []string{"x"}, CacheOnly: true}
	for _, c := range []struct {
		err  error
		text string
		want *txn.Change
	}{
		{&apt.SupersededError{}, "refresh", &txn.Change{Install: []string{"x"}}},
		{&txn.StaleError{}, "try again", &change},
		{syscall.ENOSPC, "enlarge the file system", nil},
		{fs.ErrPermission, "as root", nil},
	} {
		advice := txn.Advise(c.err, change)
		require.Len(t, advice, 1)
		require.Contains(t, advice[0].Text, c.text)
		require.Equal(t, c.want, advice[0].Change)
	}
	require.Empty(t, txn.Advise(errors.New("x"), change))
}

func TestOpenWhatIsNoSysroot(t *testing.T) {
	t.Parallel()
	_, err := txn.Open(t.Context(), t.TempDir(), txn.Options{})
	require.Equal(t, txn.KindNotSysroot, txn.Classify(err))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = txn.Open(ctx, t.TempDir(), txn.Options{})
	require.Equal(t, txn.KindCanceled, txn.Classify(err))
}
