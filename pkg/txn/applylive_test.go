package txn_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
	"github.com/apt-ostree/apt-ostree/pkg/txn/live"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// liveHost runs a deployment that has a /usr to mount on, and knows a commit with a package more.
type liveHost struct {
	*host
	usr, etc   string
	base, more ostree.Checksum
	programs   []string
}

const liveUnit = "usr/lib/systemd/system/daemon.service"

func newLiveHost(t *testing.T) *liveHost {
	t.Helper()
	h := &liveHost{host: newHost(t)}
	common := ostreetest.Tree{
		liveUnit: ostreetest.File("[Service]\nExecStart=/usr/bin/daemon --run\n"), "usr/bin/daemon": ostreetest.File("1"),
		"usr/share/gone": ostreetest.File("x"), "usr/share/kind": ostreetest.File("a file"),
		"usr/etc/follows": ostreetest.File("1"), "usr/etc/mine": ostreetest.File("1"), "usr/etc/old": ostreetest.File("1"),
	}
	h.base = h.write(ref, h.tree("1").With(common), ostree.Commit{Timestamp: h.now})
	h.apply(txn.Change{Deploy: ref})
	h.boot(0)
	more := h.tree("1").With(common).With(ostreetest.Tree{
		"usr/bin/daemon": ostreetest.File("22"), "usr/bin/new": ostreetest.File("new"), "usr/share/kind/inside": ostreetest.File("a directory now"),
		"usr/share/link": ostreetest.Link("kind"), "usr/etc/follows": ostreetest.File("2"), "usr/etc/mine": ostreetest.File("2"),
		"usr/etc/added.d/x": ostreetest.File("2"), "usr/lib/tmpfiles.d/new.conf": ostreetest.File("d /var/new"),
		"usr/lib/sysimage/dpkg/status": ostreetest.File(status(append(basePackages("1"), "new 1.0")...)),
	})
	delete(more, "usr/share/kind")
	more["usr/share/kind"] = ostreetest.Dir()
	delete(more, "usr/share/gone")
	delete(more, "usr/etc/old")
	h.more = h.write("more", more, ostree.Commit{Timestamp: h.now})
	list, err := h.sysroot.Deployments(t.Context())
	require.NoError(t, err)
	h.usr, h.etc = filepath.Join(h.path, "usr"), list[0].Path+"/etc"
	require.NoError(t, os.Mkdir(h.usr, 0o755))
	t.Cleanup(func() {
		if err := unix.Unmount(h.usr, unix.MNT_DETACH); !errors.Is(err, unix.EINVAL) {
			require.NoError(t, err)
		}
	})
	require.NoError(t, os.WriteFile(h.etc+"/mine", []byte("changed"), 0o644))
	return h
}

func (h *liveHost) options() txn.LiveOptions {
	return txn.LiveOptions{Run: func(_ context.Context, argv ...string) error {
		h.programs = append(h.programs, strings.Join(argv, " "))
		return nil
	}}
}

func (h *liveHost) planLive(c txn.LiveChange) *txn.LivePlan {
	h.t.Helper()
	p, err := h.PlanLive(h.t.Context(), c)
	require.NoError(h.t, err)
	return p
}

func (h *liveHost) live(c txn.LiveChange) *txn.LivePlan {
	h.t.Helper()
	p := h.planLive(c)
	require.NoError(h.t, h.ApplyLive(h.t.Context(), p, h.options()))
	return p
}

// requireLive compares every file of /usr with a commit.
func (h *liveHost) requireLive(c ostree.Checksum) {
	h.t.Helper()
	commit, err := h.Repo().LoadCommit(h.t.Context(), c)
	require.NoError(h.t, err)
	whole, err := h.Repo().FSTree(h.t.Context(), commit.Tree)
	require.NoError(h.t, err)
	tree, err := fs.Sub(whole, "usr")
	require.NoError(h.t, err)
	list := func(fsys fs.FS) map[string]string {
		out := map[string]string{}
		require.NoError(h.t, fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
			require.NoError(h.t, err)
			info, err := d.Info()
			require.NoError(h.t, err)
			text := info.Mode().String()
			if d.Type().IsRegular() {
				content, err := fs.ReadFile(fsys, name)
				require.NoError(h.t, err)
				text += " " + string(content)
			}
			out[name] = text
			return nil
		}))
		return out
	}
	require.Equal(h.t, list(tree), list(os.DirFS(h.usr)))
}

func (h *liveHost) requireEtc(want map[string]string) {
	h.t.Helper()
	for name, content := range want {
		have, err := os.ReadFile(filepath.Join(h.etc, name))
		if content == "" {
			require.ErrorIs(h.t, err, fs.ErrNotExist, name)
			continue
		}
		require.NoError(h.t, err)
		require.Equal(h.t, content, string(have), name)
	}
}

var (
	etcBefore = map[string]string{"follows": "1", "mine": "changed", "old": "1", "added.d/x": ""}
	etcAfter  = map[string]string{"follows": "2", "mine": "changed", "old": "", "added.d/x": "2"}
)

// TestLivePlanDocument: what a plan says survives its JSON.
func TestLivePlanDocument(t *testing.T) {
	t.Parallel()
	h := newLiveHost(t)
	p := h.planLive(txn.LiveChange{Target: h.more})
	text, err := json.Marshal(p)
	require.NoError(t, err)
	var read txn.LivePlan
	require.NoError(t, json.Unmarshal(text, &read))
	require.Len(t, read.Diff.Added, 1)
	require.Equal(t, "new", read.Diff.Added[0].Name)
	again, err := json.Marshal(&read)
	require.NoError(t, err)
	require.JSONEq(t, string(text), string(again))
}

// TestApplyLive makes a commit live and goes back.
func TestApplyLive(t *testing.T) {
	t.Parallel()
	h := newLiveHost(t)
	p := h.live(txn.LiveChange{Target: h.more})
	require.Equal(t, []string{"daemon.service"}, p.Restart)
	require.Equal(t, []string{"mine"}, p.EtcKept)
	require.Equal(t, "new", p.Diff.Added[0].Name)
	h.requireLive(h.more)
	h.requireEtc(etcAfter)
	require.Equal(t, []string{"systemd-tmpfiles --create --prefix=/run --prefix=/var"}, h.programs)
	require.ErrorIs(t, os.WriteFile(h.usr+"/bin/new", nil, 0o755), unix.EROFS, "for everybody else")

	s, err := h.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, h.more.String(), s.Deployments[0].LiveReplaced)
	require.Empty(t, s.Deployments[0].LiveInProgress)
	require.Equal(t, "transient", s.Deployments[0].Unlocked)
	require.True(t, h.planLive(txn.LiveChange{Target: h.more}).Unchanged)
	kept, err := h.Repo().Resolve(t.Context(), "apt-ostree/live-apply")
	require.NoError(t, err)
	require.Equal(t, h.more, kept, "so that it is not pruned")

	h.live(txn.LiveChange{Reset: true})
	h.requireLive(h.base)
	h.requireEtc(etcBefore)
	s, err = h.Status(t.Context())
	require.NoError(t, err)
	require.Empty(t, s.Deployments[0].LiveReplaced)
	records, err := h.History(2)
	require.NoError(t, err)
	require.Equal(t, "apply-live: reset", records[0].Title)
	require.Equal(t, history.Succeeded, records[1].Outcome)
}

// TestApplyLivePending takes the pending deployment by default, and says so when there is none.
func TestApplyLivePending(t *testing.T) {
	t.Parallel()
	h := newLiveHost(t)
	_, err := h.PlanLive(t.Context(), txn.LiveChange{})
	require.ErrorContains(t, err, "no pending deployment")
	h.apply(txn.Change{Deploy: "more"})
	require.Equal(t, h.more, h.planLive(txn.LiveChange{}).To)
}

// TestApplyLiveRefuses what a running system cannot take, and what was not allowed.
func TestApplyLiveRefuses(t *testing.T) {
	t.Parallel()
	h := newLiveHost(t)
	variant := func(name string, extra ostreetest.Tree) ostree.Checksum {
		return h.write(name, h.tree("1").With(extra), ostree.Commit{Timestamp: h.now})
	}
	for name, want := range map[string]string{
		"usr/lib/modules/6.1.0/vmlinuz":            "the kernel would change",
		"usr/lib/x86_64-linux-gnu/libc.so.6":       "the C library would change",
		"usr/lib64/ld-linux-x86-64.so.2":           "the C library would change",
		"usr/lib/systemd/systemd":                  "systemd would change",
		"usr/lib/systemd/libsystemd-shared-252.so": "systemd would change",
	} {
		c := variant("variant", ostreetest.Tree{name: ostreetest.File("other")})
		_, err := h.PlanLive(t.Context(), txn.LiveChange{Target: c, AllowReplacement: true})
		require.ErrorContains(t, err, want)
		require.ErrorAs(t, err, new(*live.UnsafeError))
	}
	changed := variant("variant", ostreetest.Tree{"usr/lib/sysimage/dpkg/status": ostreetest.File(status("base-tool 9"))})
	_, err := h.PlanLive(t.Context(), txn.LiveChange{Target: changed})
	require.ErrorContains(t, err, "packages would be removed: 4, allow replacement to override")
	h.planLive(txn.LiveChange{Target: changed, AllowReplacement: true})
	_, err = h.PlanLive(t.Context(), txn.LiveChange{Target: changed, Reset: true})
	require.ErrorContains(t, err, "leave the target out")

	require.NoError(t, h.sysroot.Unlock(t.Context(), deploy.UnlockDevelopment))
	_, err = h.PlanLive(t.Context(), txn.LiveChange{Target: h.more})
	require.ErrorAs(t, err, new(*deploy.UnlockedError))
}

// TestInterruptedApplyLive is completed or undone, however far it came.
func TestInterruptedApplyLive(t *testing.T) {
	t.Parallel()
	for _, part := range []int{0, 2, 5, 100} {
		for _, reset := range []bool{false, true} {
			t.Run(fmt.Sprint(part, reset), func(t *testing.T) {
				t.Parallel()
				h := newLiveHost(t)
				h.killed(part)
				s, err := h.Status(t.Context())
				require.NoError(t, err)
				require.Equal(t, h.more.String(), s.Deployments[0].LiveInProgress)
				_, err = h.PlanLive(t.Context(), txn.LiveChange{Target: h.commit("third", "1")})
				require.ErrorContains(t, err, "was interrupted")

				p := h.live(txn.LiveChange{Reset: reset})
				require.True(t, p.Resumed)
				if reset {
					h.requireLive(h.base)
					h.requireEtc(etcBefore)
				} else {
					h.requireLive(h.more)
					h.requireEtc(etcAfter)
				}
				s, err = h.Status(t.Context())
				require.NoError(t, err)
				require.Empty(t, s.Deployments[0].LiveInProgress)
			})
		}
	}
}

// killed does what a run does that is killed after some files, or, after all of them, while it merges /etc.
func (h *liveHost) killed(files int) {
	h.t.Helper()
	p := h.planLive(txn.LiveChange{Target: h.more})
	require.NoError(h.t, h.sysroot.Unlock(h.t.Context(), deploy.UnlockTransient))
	list, err := h.sysroot.Deployments(h.t.Context())
	require.NoError(h.t, err)
	require.NoError(h.t, live.State{InProgress: h.more.String(), Etc: p.Etc}.Save(h.sysroot.StateDir(list[0])))
	handle, err := h.sysroot.WritableUsr()
	require.NoError(h.t, err)
	defer func() { require.NoError(h.t, handle.Close()) }()
	usr, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", handle.Fd()))
	require.NoError(h.t, err)
	defer usr.Close()
	whole, err := h.Repo().FS(h.t.Context(), h.more)
	require.NoError(h.t, err)
	tree, err := fs.Sub(whole, "usr")
	require.NoError(h.t, err)
	changed, err := live.Changed(h.t.Context(), h.Repo(), h.more, h.base)
	require.NoError(h.t, err)
	paths := live.Below(changed, "usr")
	require.NoError(h.t, live.Converge(h.t.Context(), usr, tree.(fs.ReadLinkFS), paths[:min(files, len(paths))], func(int) {}))
	require.NoError(h.t, usr.WriteFile("bin/.apt-ostree-live.new", []byte("half"), 0o600))
	if files > len(paths) {
		require.NoError(h.t, os.WriteFile(h.etc+"/follows", []byte("2"), 0o644))
		require.NoError(h.t, os.Remove(h.etc+"/old"))
	}
}

// TestCanceledApplyLive leaves everything as it was.
func TestCanceledApplyLive(t *testing.T) {
	t.Parallel()
	h := newLiveHost(t)
	ctx, cancel := context.WithCancel(t.Context())
	opts := h.options()
	opts.Reporter = step.ReporterFunc(func(e step.Event) {
		if s, ok := e.(step.StepStarted); ok && s.Step == "Merging /etc" {
			cancel()
		}
	})
	p := h.planLive(txn.LiveChange{Target: h.more})
	err := h.ApplyLive(ctx, p, opts)
	if err == nil {
		h.requireLive(h.more) // it was faster than the listener
		return
	}
	require.ErrorIs(t, err, context.Canceled)
	h.requireLive(h.base)
	h.requireEtc(etcBefore)
	require.False(t, h.planLive(txn.LiveChange{Target: h.more}).Resumed)
}
