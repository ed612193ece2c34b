package txn_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/debstore"
)

func TestPlanInstall(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "1")
	p := h.plan(txn.Change{Install: []string{"tool", "other", "tool"}})
	require.Equal(t, []string{"other", "tool"}, p.Requested)
	require.Equal(t, []string{"libtool", "other", "tool"}, names(p))
	require.Equal(t, commits["1"], p.Base)
	require.Len(t, p.Diff.Added, 3)
	require.Positive(t, p.DownloadSize)
	require.NotEmpty(t, p.Packages[0].SHA256)
	require.Equal(t, "stable", p.Packages[0].Suite)
	require.False(t, p.Unchanged)
	require.Equal(t, []string{"1"}, h.deployments())

	require.Equal(t, p.Digest, h.plan(txn.Change{Install: []string{"other", "tool"}}).Digest, "order never matters")
	require.NotEqual(t, p.Digest, h.plan(txn.Change{Install: []string{"tool"}}).Digest)
	require.NotEqual(t, p.Digest, h.plan(txn.Change{Install: []string{"other", "tool", "libtool"}}).Digest, "a request more")
	require.Equal(t, []string{"wine"}, names(h.plan(txn.Change{Install: []string{"wine:i386"}})), "architectures that the base's dpkg knows")
}

// TestPlanDocument is what --json prints.
func TestPlanDocument(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "2")
	var doc map[string]any
	text, err := json.Marshal(h.plan(txn.Change{Upgrade: true}))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &doc))
	require.Equal(t, []any{}, doc["requested"])
	require.Equal(t, []any{}, doc["packages"])
	require.Equal(t, commits["3"].String(), doc["base"])
	require.NotContains(t, doc, "assembled")
	require.Equal(t, []any{[]any{"base-tool", 2.0, map[string]any{
		"PreviousPackage": []any{"base-tool", "2.0", "all"}, "NewPackage": []any{"base-tool", "3.0", "all"},
	}}}, doc["pkgdiff"])

	var read txn.Plan
	require.NoError(t, json.Unmarshal(text, &read))
	again, err := json.Marshal(&read)
	require.NoError(t, err)
	require.JSONEq(t, string(text), string(again))
	require.Equal(t, "3.0", read.Diff.Upgraded[0].To.Version.String())
	for _, bad := range []string{`[["x",7,{}]]`, `[["x",2,{}]]`, `[["x",0,{"NewPackage":["x","~ ~","all"]}]]`, `["x"]`} {
		require.ErrorContains(t, json.Unmarshal([]byte(`{"pkgdiff":`+bad+`}`), &read), "pkgdiff", bad)
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "3")
	h.layer("tool", "other")
	for _, c := range []struct {
		change txn.Change
		want   string
	}{
		{txn.Change{Install: []string{"tool", "other"}}, "package/capability 'other', 'tool' is already requested"},
		{txn.Change{Uninstall: []string{"a", "b", "tool"}}, "package/capability 'a', 'b' is not currently requested; requested: 'other'"},
		{txn.Change{Install: []string{"x"}, Uninstall: []string{"x"}}, "x: both to be installed and to be uninstalled"},
		{txn.Change{Upgrade: true, Deploy: ref}, "ask for one of them"},
		{txn.Change{Rollback: true, Upgrade: true}, "a rollback cannot be combined"},
		{txn.Change{}, "asks for nothing"},
		{txn.Change{Install: []string{"base-tool"}}, `"base-tool" is already provided by: base-tool_3.0_all. Use --allow-inactive to explicitly require it.`},
	} {
		require.ErrorContains(t, h.planError(c.change), c.want)
	}
	require.True(t, h.plan(txn.Change{Install: []string{"tool"}, Idempotent: true}).Unchanged)
	require.True(t, h.plan(txn.Change{Uninstall: []string{"a"}, Idempotent: true}).Unchanged)
	require.Equal(t, []string{"exim"}, h.plan(txn.Change{UninstallAll: true, Install: []string{"exim"}}).Requested)
	require.Equal(t, []string{"exim", "other"}, h.plan(txn.Change{Uninstall: []string{"tool"}, Install: []string{"exim"}}).Requested)
}

// TestInactive asks for what the base has: refused, or kept in the origin and deployed as the base.
func TestInactive(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "3")
	err := h.planError(txn.Change{Install: []string{"base-tool"}})
	require.Equal(t, txn.KindRequest, txn.Classify(err))
	advice := txn.Advise(err, txn.Change{Install: []string{"base-tool"}})
	require.Len(t, advice, 1)
	p := h.plan(*advice[0].Change)
	require.Equal(t, map[string]string{"base-tool": "base-tool_3.0_all"}, p.Inactive)
	require.Empty(t, p.Packages)
	require.False(t, p.Unchanged, "the origin changes")
	d, err := h.Apply(t.Context(), p, txn.ApplyOptions{})
	require.NoError(t, err)
	require.Equal(t, commits["3"], d.Checksum)
	require.Equal(t, []string{"base-tool"}, d.Origin.Requested)
	require.True(t, h.plan(txn.Change{Upgrade: true}).Unchanged)
	status, err := h.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"base-tool"}, status.Deployments[0].RequestedPackages)
	require.Empty(t, status.Deployments[0].Packages)
	require.Empty(t, status.Deployments[0].BaseChecksum)
}

func TestPackagesThatCannotBe(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "1")
	err := h.planError(txn.Change{Install: []string{"tol", "nothing-like-it", "other"}})
	var missing *solve.NotFoundError
	require.ErrorAs(t, err, &missing)
	require.Len(t, missing.Missing, 2, "all of them in one message")
	require.ErrorContains(t, err, "did you mean tool")
	require.Equal(t, txn.KindNotFound, txn.Classify(err))

	c := txn.Change{Install: []string{"needs-new"}}
	err = h.planError(c)
	require.Equal(t, txn.KindUnsatisfiable, txn.Classify(err))
	require.ErrorContains(t, err, "needs-new")
	require.ErrorContains(t, err, "base-tool")
	advice := txn.Advise(err, c)
	require.Len(t, advice, 1, "what was asked for is not dropped")
	require.Equal(t, []string{"base-tool=2.0"}, advice[0].Change.OverrideReplace)
	p := h.plan(*advice[0].Change)
	require.Equal(t, []string{"needs-new"}, names(p), "the way out works")
	require.Len(t, p.Replaced, 1)
	c = txn.Change{Install: []string{"needs-newer"}}
	require.Empty(t, txn.Advise(h.planError(c), c), "nothing helps")

	c = txn.Change{Install: []string{"tol"}}
	advice = txn.Advise(h.planError(c), c)
	require.Len(t, advice, 1)
	require.Equal(t, []string{"tool"}, advice[0].Change.Install)

	h.layer("tool")
	c = txn.Change{Install: []string{"rival"}}
	err = h.planError(c)
	advice = txn.Advise(err, c)
	require.Len(t, advice, 1)
	require.Equal(t, []string{"tool"}, advice[0].Change.Uninstall)
	require.Equal(t, []string{"rival"}, h.plan(*advice[0].Change).Requested, "the way out works")
}

// TestUpgradeTakesRequestsAlong resolves the requests anew on the new base.
func TestUpgradeTakesRequestsAlong(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "2")
	first := h.layer("tool")
	p := h.plan(txn.Change{Upgrade: true})
	require.Equal(t, commits["3"], p.Base)
	require.Equal(t, []string{"libtool", "tool"}, names(p))
	require.NotEqual(t, first.Digest, p.Digest, "another base")

	h.apply(txn.Change{Deploy: "kept/3", UninstallAll: true, AllowDowngrade: true})
	h.apply(txn.Change{Deploy: ref})
	h.layer("tool")
	require.True(t, h.plan(txn.Change{Upgrade: true}).Unchanged)
	h.archive.Add(apttest.Deb{Package: "tool", Version: "2.0", Depends: "libtool"})
	h.archive.Publish()
	p = h.plan(txn.Change{Upgrade: true})
	require.False(t, p.Unchanged, "a newer package of the archive")
	require.Len(t, p.Diff.Upgraded, 1)
}

// TestUninstall returns to the base, with every archive gone; what remains requested comes from the
// cache, even if that is out of date.
func TestUninstall(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.archive.ValidUntil = h.now.Add(time.Hour)
	h.archive.Publish()
	base := h.commit(ref, "1")
	h.apply(txn.Change{Deploy: ref})
	h.layer("tool", "other")
	h.archive.Fault(apttest.Fault{Path: "*", Status: 404})
	h.now = h.now.Add(24 * time.Hour)

	p := h.plan(txn.Change{Uninstall: []string{"other"}})
	require.Equal(t, []string{"libtool", "tool"}, names(p))
	require.Len(t, p.Diff.Removed, 1)
	err := h.planError(txn.Change{Install: []string{"exim"}, CacheOnly: true})
	require.Equal(t, txn.KindUntrusted, txn.Classify(err), "nothing new comes from expired lists: %v", err)

	require.Equal(t, base, h.apply(txn.Change{UninstallAll: true}).Checksum)
	d := h.apply(txn.Change{Rollback: true})
	require.Equal(t, []string{"other", "tool"}, d.Origin.Requested)
	require.Equal(t, base, h.apply(txn.Change{Uninstall: []string{"tool", "other"}}).Checksum)
}

// TestUninstallOfWhatIsNotKept fetches the lists if there are none and the repository lacks the packages,
// as that of a system that an older version layered.
func TestUninstallOfWhatIsNotKept(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "3")
	h.layer("tool", "other")
	require.NoError(t, os.RemoveAll(filepath.Join(h.path, "ostree/deploy/debian/var/cache/apt-ostree")))
	_, err := debstore.New(h.Repo()).Drop(t.Context(), func(string) bool { return false })
	require.NoError(t, err)
	c := txn.Change{Uninstall: []string{"other"}, CacheOnly: true}
	err = h.planError(c)
	require.ErrorAs(t, err, new(*apt.OfflineError))
	require.Equal(t, txn.KindUnavailable, txn.Classify(err))
	advice := txn.Advise(err, c)
	require.Len(t, advice, 1)
	require.Equal(t, []string{"libtool", "tool"}, names(h.plan(*advice[0].Change)))
}

// TestAssembledBefore deploys what a deployment has been assembled from the same things already:
// nothing is downloaded or assembled.
func TestAssembledBefore(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "3")
	h.layer("tool")
	list, err := h.sysroot.Deployments(t.Context())
	require.NoError(t, err)
	layered := list[0].Checksum
	require.Equal(t, commits["3"], h.apply(txn.Change{UninstallAll: true}).Checksum)
	p := h.plan(txn.Change{Install: []string{"tool"}})
	require.Equal(t, layered, p.Assembled)
	d, err := h.Apply(t.Context(), p, txn.ApplyOptions{})
	require.NoError(t, err)
	require.Equal(t, layered, d.Checksum)
	require.Equal(t, []string{"tool"}, d.Origin.Requested)
	require.True(t, h.plan(txn.Change{Install: []string{"tool"}, Idempotent: true}).Unchanged)
	base, err := h.Base(t.Context(), d.Checksum)
	require.NoError(t, err)
	require.Equal(t, commits["3"], base)
}

// TestBaseIsKept makes sure that the base of a layered deployment outlives its ref.
func TestBaseIsKept(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	base := h.commit(ref, "1")
	h.apply(txn.Change{Deploy: ref})
	h.layer("tool")
	h.write(ref, h.tree("2"), ostree.Commit{Timestamp: h.now})
	h.apply(txn.Change{Upgrade: true, UninstallAll: true})
	has, err := h.Repo().Has(t.Context(), ostree.ObjectName{Checksum: base, Type: ostree.ObjectCommit})
	require.NoError(t, err)
	require.True(t, has, "the rollback deployment needs it")
	h.apply(txn.Change{Rollback: true})
	require.Equal(t, base, h.plan(txn.Change{Uninstall: []string{"tool"}}).Base)
}

func TestInstalled(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "3")
	h.layer("tool=1.0", "mta", "other:amd64")
	installed, err := h.Installed(t.Context())
	require.NoError(t, err)
	got := map[string]txn.Layer{}
	for _, p := range installed {
		got[p.Name] = p.Layer
	}
	require.Equal(t, map[string]txn.Layer{
		"base-tool": txn.LayerBase, "libtool": txn.LayerDepends, "tool": txn.LayerRequest, "exim": txn.LayerRequest, "other": txn.LayerRequest,
		"extra": txn.LayerBase, "uses-extra": txn.LayerBase, "vital": txn.LayerBase,
	}, got)
	u, err := h.Universe(t.Context(), true)
	require.NoError(t, err)
	require.NotEmpty(t, u.Versions("rival"))
}

// TestStatusDocument holds the keys against those that rpm-ostree's clients read.
func TestStatusDocument(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	base := h.write(ref, h.tree("1"), ostree.Commit{Timestamp: h.now, Metadata: ostree.Metadata{
		{Key: ostree.MetadataVersion, Value: gvariant.String("1")}, {Key: ostree.MetadataEndOfLife, Value: gvariant.String("gone")},
	}})
	h.apply(txn.Change{Deploy: ref})
	h.layer("tool")
	list, err := h.sysroot.Deployments(t.Context())
	require.NoError(t, err)
	_, err = h.sysroot.Pin(t.Context(), list[0], true)
	require.NoError(t, err)

	status, err := h.Status(t.Context())
	require.NoError(t, err)
	text, err := json.Marshal(status)
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(text, &doc))
	require.Equal(t, []string{"cached-update", "deployments", "transaction", "update-driver"}, sortedKeys(doc))
	require.Nil(t, doc["transaction"])
	deployments, ok := doc["deployments"].([]any)
	require.True(t, ok)
	layered, ok := deployments[0].(map[string]any)
	require.True(t, ok)
	plain, ok := deployments[1].(map[string]any)
	require.True(t, ok)
	for key, want := range map[string]any{
		"id": "debian-" + list[0].Checksum.String() + ".0", "osname": "debian", "checksum": list[0].Checksum.String(), "serial": 0.0,
		"booted": false, "staged": false, "pinned": true, "unlocked": "none", "origin": ref, "version": "1", "endoflife": "gone",
		"requested-packages": []any{"tool"}, "packages": []any{"tool"}, "base-checksum": base.String(), "base-version": "1",
		"regenerate-initramfs": false, "base-removals": []any{}, "base-local-replacements": []any{}, "base-remote-replacements": map[string]any{},
	} {
		require.Equal(t, want, layered[key], key)
	}
	require.Contains(t, layered["layered-commit-meta"], "apt-ostree.clientlayer")
	require.NotContains(t, layered["layered-commit-meta"], "apt-ostree.packages")
	require.Contains(t, layered["base-commit-meta"], "version")
	for _, key := range []string{"base-checksum", "base-version", "base-timestamp", "layered-commit-meta", "pending-base-checksum"} {
		require.NotContains(t, plain, key)
	}
	require.Equal(t, []any{}, plain["requested-packages"])
	require.Equal(t, []any{}, plain["packages"])
}

// TestSourcesFollowConfiguration honours apt.conf of the deployment.
func TestSourcesFollowConfiguration(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.archive.ValidUntil = h.now.Add(-time.Minute)
	h.archive.Publish()
	h.commit(ref, "1")
	d := h.apply(txn.Change{Deploy: ref})
	err := h.planError(txn.Change{Install: []string{"tool"}})
	require.Equal(t, txn.KindUntrusted, txn.Classify(err))
	conf := filepath.Join(d.Path, "etc/apt/apt.conf")
	require.NoError(t, os.WriteFile(conf, []byte("Acquire::Check-Valid-Until \"false\";\n"), 0o644))
	require.Equal(t, []string{"libtool", "tool"}, names(h.plan(txn.Change{Install: []string{"tool"}})))
}

// TestStale changes the system between Plan and Apply.
func TestStale(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "2")
	p := h.plan(txn.Change{Upgrade: true})
	list, err := h.sysroot.Deployments(t.Context())
	require.NoError(t, err)
	o := list[0].Origin.Clone()
	o.Requested = []string{"other"}
	require.NoError(t, h.sysroot.SetOrigin(t.Context(), list[0], o))
	_, err = h.Apply(t.Context(), p, txn.ApplyOptions{})
	require.ErrorAs(t, err, new(*txn.StaleError), "another origin")

	p = h.plan(txn.Change{UninstallAll: true})
	_, err = h.sysroot.Deploy(t.Context(), commits["3"], list[0].Origin, deploy.DeployOptions{Stateroot: "debian"})
	require.NoError(t, err)
	_, err = h.Apply(t.Context(), p, txn.ApplyOptions{})
	require.ErrorAs(t, err, new(*txn.StaleError), "another deployment")
	require.Equal(t, txn.KindStale, txn.Classify(err))
	require.Equal(t, p.Change, *txn.Advise(err, p.Change)[0].Change)
	require.Equal(t, []string{"3", "2"}, h.deployments())
	unlock, err := h.sysroot.Lock(t.Context())
	require.NoError(t, err, "the lock was given back")
	require.NoError(t, unlock())
}

func TestLock(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "2")
	p := h.plan(txn.Change{Upgrade: true})
	release, err := h.sysroot.Lock(t.Context())
	require.NoError(t, err)
	_, err = h.Apply(t.Context(), p, txn.ApplyOptions{})
	require.ErrorAs(t, err, new(*deploy.BusyError))
	require.Equal(t, txn.KindBusy, txn.Classify(err))
	_, err = h.Lock(t.Context())
	require.Equal(t, txn.KindBusy, txn.Classify(err))
	require.NoError(t, release())

	unlock, err := h.Lock(t.Context())
	require.NoError(t, err)
	_, err = h.sysroot.Lock(t.Context())
	require.ErrorAs(t, err, new(*deploy.BusyError))
	h.apply(txn.Change{Upgrade: true})
	require.NoError(t, unlock())
	h.apply(txn.Change{Rollback: true})
}

// TestGarbage leaves what a killed run would: the next change removes it.
func TestGarbage(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "2")
	scratch := filepath.Join(h.Repo().Path(), "extensions/apt-ostree/assemble-1")
	require.NoError(t, os.MkdirAll(scratch, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(scratch, "../.lock"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(scratch, "lock"), nil, 0o600))
	h.apply(txn.Change{Upgrade: true})
	require.NoDirExists(t, scratch)
}
