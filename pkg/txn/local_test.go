package txn_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// local makes a .deb known and returns its name.
func (h *host) local(d apttest.Deb) string {
	h.t.Helper()
	id, err := h.AddLocal(h.t.Context(), bytes.NewReader(d.Build(h.t)))
	require.NoError(h.t, err)
	return id
}

// reopen forgets what local packages were made known.
func (h *host) reopen() {
	h.t.Helper()
	require.NoError(h.t, h.Close())
	h.System = h.open(txn.Options{})
}

// alone takes away the archives and everything that was fetched from them.
func (h *host) alone() {
	h.t.Helper()
	h.archive.Fault(apttest.Fault{Path: "*", Status: 404})
	require.NoError(h.t, os.RemoveAll(filepath.Join(h.path, "ostree/deploy/debian/var/cache/apt-ostree")))
}

func TestLocalPackages(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "2")
	id := h.local(apttest.Deb{Package: "mine", Version: "1:1.0", Depends: "libtool"})
	require.True(t, strings.HasSuffix(id, ":mine_1:1.0_all"), id)
	require.Equal(t, id, h.local(apttest.Deb{Package: "mine", Version: "1:1.0", Depends: "libtool"}))
	p := h.fake(txn.Change{InstallLocal: []string{id}})
	require.Equal(t, []string{id}, p.RequestedLocal)
	require.Equal(t, []string{"libtool", "mine"}, names(p))
	require.ErrorContains(t, h.planError(txn.Change{InstallLocal: []string{id}}), "package 'mine_1:1.0_all' is already layered")
	require.True(t, h.plan(txn.Change{InstallLocal: []string{id}, Idempotent: true}).Unchanged)

	// The file is not needed any more, by none of what comes later.
	h.reopen()
	status, err := h.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"mine_1:1.0_all"}, status.Deployments[0].RequestedLocalPackages)
	p = h.plan(txn.Change{Upgrade: true})
	require.Equal(t, commits["3"], p.Base)
	require.Equal(t, []string{"libtool", "mine"}, names(p))
	require.Equal(t, []string{"libtool", "mine", "other"}, names(h.plan(txn.Change{Install: []string{"other"}})))
	for _, word := range []string{"mine", "mine_1:1.0_all", "mine:all", id} {
		require.Empty(t, h.plan(txn.Change{Uninstall: []string{word}}).RequestedLocal, word)
	}
	require.ErrorContains(t, h.planError(txn.Change{Uninstall: []string{"min"}}), "'min' is not currently requested; requested: 'mine_1:1.0_all'")

	newer := h.local(apttest.Deb{Package: "mine", Version: "1:2.0"})
	require.Equal(t, []string{newer}, h.plan(txn.Change{InstallLocal: []string{newer}}).RequestedLocal, "another version takes its place")
	forced := h.plan(txn.Change{InstallLocal: []string{newer}, ForceReplaceFiles: true})
	require.NotEqual(t, h.plan(txn.Change{InstallLocal: []string{newer}}).Digest, forced.Digest)
	require.Equal(t, []string{newer}, txn.PlannedOrigin(forced).RequestedLocalOverride)
	require.Empty(t, txn.PlannedOrigin(forced).RequestedLocal)
}

// TestLocalAndRequested has a name in both lists: the file wins, and without it the archive serves.
func TestLocalAndRequested(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "3")
	id := h.local(apttest.Deb{Package: "other", Version: "0.5"})
	p := h.fake(txn.Change{Install: []string{"other"}, InstallLocal: []string{id}})
	require.Equal(t, "0.5", p.Packages[0].Version)
	p = h.plan(txn.Change{Uninstall: []string{"other"}})
	require.Equal(t, []string{"other"}, p.Requested)
	require.Empty(t, p.RequestedLocal)
}

// TestLocalInactive asks for a file that the base has installed: kept all the same.
func TestLocalInactive(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "3")
	id := h.local(apttest.Deb{Package: "extra"})
	c := txn.Change{InstallLocal: []string{id}}
	err := h.planError(c)
	require.ErrorContains(t, err, `"extra_1.0_all" is already provided by: extra_1.0_all`)
	d := h.apply(*txn.Advise(err, c)[0].Change)
	require.Equal(t, commits["3"], d.Checksum)
	h.reopen()
	require.True(t, h.plan(txn.Change{Upgrade: true}).Unchanged, "the repository has it")
	h.apply(txn.Change{Uninstall: []string{"extra"}})
	h.apply(txn.Change{Deploy: "kept/2", AllowDowngrade: true}) // the old deployment goes, and the package with it
	h.apply(txn.Change{Deploy: "kept/3"})
	c = txn.Change{InstallLocal: []string{id}, AllowInactive: true}
	err = h.planError(c)
	require.ErrorAs(t, err, new(*txn.LocalError))
	require.Equal(t, txn.KindUnavailable, txn.Classify(err))
}

func TestLocalPackagesThatAreNone(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "3")
	_, err := h.AddLocal(t.Context(), strings.NewReader("no package"))
	require.ErrorIs(t, err, deb.ErrFormat)
	require.ErrorContains(t, h.planError(txn.Change{InstallLocal: []string{"x"}}), `"x" does not name a local package`)
	id := h.local(apttest.Deb{Package: "foreign", Architecture: "s390x"})
	require.ErrorContains(t, h.planError(txn.Change{InstallLocal: []string{id}}), "its architecture is not enabled")
	id = h.local(apttest.Deb{Package: "mine"})
	lie := strings.Replace(id, "mine", "yours", 1)
	require.ErrorContains(t, h.planError(txn.Change{InstallLocal: []string{lie}}), "is in fact mine_1.0_all")

	c := txn.Change{InstallLocal: []string{h.local(apttest.Deb{Package: "extra", Version: "9"})}}
	err = h.planError(c)
	require.ErrorContains(t, err, "extra_9_all cannot be layered: the base has extra_1.0_all")
	p := h.plan(*txn.Advise(err, c)[0].Change)
	require.Len(t, p.Replaced, 1, "the way out works")
}

// TestAlone changes a system when every archive is gone and nothing that was fetched is left.
func TestAlone(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "1")
	id := h.local(apttest.Deb{Package: "extra", Version: "2.0"})
	h.fake(txn.Change{
		Install: []string{"tool", "other"}, InstallLocal: []string{h.local(apttest.Deb{Package: "mine"})},
		OverrideReplaceLocal: []string{id}, OverrideReplace: []string{"base-tool/stable"}, OverrideRemove: []string{"old-tool"},
	})
	installed, err := h.Installed(t.Context())
	require.NoError(t, err)
	layers := map[string]txn.Layer{}
	for _, p := range installed {
		layers[p.Name] = p.Layer
	}
	require.Equal(t, map[string]txn.Layer{
		"base-tool": txn.LayerReplaced, "extra": txn.LayerReplaced, "libtool": txn.LayerDepends, "mine": txn.LayerLocal,
		"other": txn.LayerRequest, "tool": txn.LayerRequest, "uses-extra": txn.LayerBase, "vital": txn.LayerBase,
	}, layers)
	h.reopen()
	h.alone()
	require.Equal(t, []string{"libtool", "mine", "tool"}, names(h.plan(txn.Change{Uninstall: []string{"other"}})))
	require.Equal(t, []string{"libtool", "other", "tool"}, names(h.plan(txn.Change{Uninstall: []string{"mine"}})))
	p := h.plan(txn.Change{OverrideRemove: []string{"uses-extra"}})
	require.Len(t, p.Removed, 2)
	require.Zero(t, p.DownloadSize)
	require.Len(t, h.plan(txn.Change{OverrideReset: []string{"extra"}}).Replaced, 1)
	require.Empty(t, h.plan(txn.Change{OverrideReset: []string{"old-tool"}}).Removed)
	require.Len(t, h.plan(txn.Change{InstallLocal: []string{h.local(apttest.Deb{Package: "more", Depends: "libtool"})}}).Packages, 5)
	p = h.plan(txn.Change{Deploy: "version=1", CacheOnly: true, UninstallAll: true, OverrideResetAll: true})
	require.Equal(t, commits["1"], p.Base)
	require.False(t, p.Unchanged)
	require.Equal(t, txn.KindUnsatisfiable, txn.Classify(h.planError(txn.Change{OverrideRemove: []string{"extra"}})), "explained, though no archive could be asked")
	d := h.apply(txn.Change{UninstallAll: true, OverrideResetAll: true, ResetInitramfs: true})
	require.Equal(t, commits["1"], d.Checksum)
	require.False(t, d.Origin.Layered())
}
