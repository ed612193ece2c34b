package txn_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// crashAt tells a copy of the test program to kill itself while it rebases: PATH, RUNDIR and EVENT.
const crashAt = "TXN_TEST_CRASH"

func TestMain(m *testing.M) {
	if what, ok := os.LookupEnv(crashAt); ok {
		fields := strings.SplitN(what, "|", 3)
		fmt.Println("not killed:", rebaseAndCrash(fields[0], fields[1], fields[2]))
		os.Exit(3)
	}
	os.Exit(m.Run())
}

// rebaseAndCrash is what the copy does.
func rebaseAndCrash(path, runDir, event string) error {
	ctx := context.Background()
	sysroot := deploy.Options{HostRoot: path, RunDir: runDir, NoSync: true}
	s, err := txn.Open(ctx, path, txn.Options{Architecture: "amd64", Sysroot: sysroot})
	if err != nil {
		return err
	}
	plan, err := s.Plan(ctx, txn.Change{Rebase: &txn.Rebase{Refspec: "other"}})
	if err != nil {
		return err
	}
	_, err = s.Apply(ctx, plan, txn.ApplyOptions{Reporter: step.ReporterFunc(func(e step.Event) {
		if nameOf(e) == event {
			syscall.Kill(os.Getpid(), syscall.SIGKILL) //nolint:errcheck // there is nobody left to tell
		}
	})})
	return err
}

func nameOf(e step.Event) string {
	switch e := e.(type) {
	case step.StepStarted:
		return "start " + e.Step
	case step.StepFinished:
		return "end " + e.Step
	case step.Finished:
		return "end"
	}
	return ""
}

// TestKilledRebase kills a rebase of a running system at each of its steps. Whatever it had come to, the
// old or the new deployment boots next, the repository is whole, and the same change leads to the end.
func TestKilledRebase(t *testing.T) {
	t.Parallel()
	for _, event := range []string{
		"start Pulling the base", "end Pulling the base", "start Staging deployment", "end Staging deployment",
		"end Deleting the old ref", "start Cleaning up", "end Cleaning up", "end",
	} {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			h, r, commits := following(t)
			other := h.commitTo(r.Repo, "other", "7")
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|%s", crashAt, h.path, h.running.RunDir, event))
			out, err := cmd.CombinedOutput()
			exit, ok := errors.AsType[*exec.ExitError](err)
			require.True(t, ok && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL, "%s: %v: %s", event, err, out)

			list, err := h.sysroot.Deployments(t.Context())
			require.NoError(t, err)
			require.Contains(t, []ostree.Checksum{commits["2"], other}, list[0].Checksum, event)
			p, err := h.Plan(t.Context(), txn.Change{Rebase: &txn.Rebase{Refspec: "far:other"}})
			if list[0].Checksum == other {
				require.ErrorContains(t, err, "Old and new refs are equal")
				p = h.plan(txn.Change{Upgrade: true})
				require.True(t, p.Unchanged)
				p = h.plan(txn.Change{Kargs: &txn.Kargs{Append: []string{"x"}}})
				err = nil
			}
			require.NoError(t, err)
			d, err := h.Apply(t.Context(), p, txn.ApplyOptions{})
			require.NoError(t, err)
			require.Equal(t, other, d.Checksum)
			require.Equal(t, "far:other", d.Origin.Refspec)
			h.fsck()
			require.Equal(t, other, h.shutdown().Deployment.Checksum)
		})
	}
}

// TestCanceledPull leaves nothing behind: no deployment, no change of what boots, and the lock is free.
func TestCanceledPull(t *testing.T) {
	t.Parallel()
	h, r, commits := following(t)
	p := h.plan(txn.Change{Upgrade: true})
	ctx, cancel := context.WithCancel(t.Context())
	asked := func(path string) {
		if strings.HasSuffix(path, ".filez") {
			cancel()
		}
	}
	r.asked.Store(&asked)
	_, err := h.Apply(ctx, p, txn.ApplyOptions{})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, txn.KindCanceled, txn.Classify(err))
	require.Equal(t, []string{"2"}, h.deployments())
	records, err := h.History(1)
	require.NoError(t, err)
	require.Equal(t, "canceled", string(records[0].Outcome))
	r.asked.Store(nil)
	require.Equal(t, commits["3"], h.apply(txn.Change{Upgrade: true}).Checksum)
	h.fsck()
}

// TestOnlyOneAtATime has the lock held by another process.
func TestOnlyOneAtATime(t *testing.T) {
	t.Parallel()
	h, _ := bootedHost(t)
	unlock, err := h.sysroot.Lock(t.Context())
	require.NoError(t, err)
	p := h.plan(txn.Change{Upgrade: true})
	_, err = h.Apply(t.Context(), p, txn.ApplyOptions{})
	require.Equal(t, txn.KindBusy, txn.Classify(err), "%v", err)
	require.NoError(t, unlock())
	_, err = h.Apply(t.Context(), p, txn.ApplyOptions{})
	require.NoError(t, err)
}
