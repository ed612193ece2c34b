package txn_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// TestWhy leads what is layered back to a request, with every archive gone, and says who needs what.
func TestWhy(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "3")
	h.layer("tool", "mta")
	for name, want := range map[string]struct {
		layer   txn.Layer
		base    string
		because []string
		needs   int
	}{
		"libtool": {txn.LayerDepends, "", []string{"tool"}, 0},
		"exim":    {txn.LayerRequest, "", []string{"mta"}, 0},
		"extra":   {txn.LayerBase, "3", nil, 1},
		"mta":     {txn.LayerRequest, "", []string{"mta"}, 0},
	} {
		why, err := h.Why(t.Context(), name)
		require.NoError(t, err, name)
		require.Equal(t, want.layer, why.Package.Layer, name)
		require.Equal(t, want.base, why.Base, name)
		require.Len(t, why.NeededBy, want.needs, name)
		var requests []string
		for _, r := range why.Because {
			if r.Kind == solve.Requested {
				requests = append(requests, r.Request)
			}
		}
		if name != "libtool" { // the database of the fixture has no dependencies of layered packages
			require.Equal(t, want.because, requests, name)
		}
	}
	why, err := h.Why(t.Context(), "extra")
	require.NoError(t, err)
	require.Equal(t, "uses-extra", why.NeededBy[0].Package.Name)
	require.True(t, why.NeededBy[0].Alone)

	_, err = h.Why(t.Context(), "extrs")
	require.ErrorContains(t, err, "extrs: not installed; did you mean extra?")
	require.Equal(t, txn.KindNotFound, txn.Classify(err))
}

// TestWhyNot says what stands against a package, and what would come with one that nothing stands against.
func TestWhyNot(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "1")
	h.layer("tool")
	_, reasons, err := h.WhyNot(t.Context(), "rival", false)
	require.NoError(t, err)
	require.NotEmpty(t, reasons)
	require.Equal(t, solve.Conflicts, reasons[len(reasons)-1].Kind)

	_, reasons, err = h.WhyNot(t.Context(), "needs-new", true)
	require.NoError(t, err)
	require.NotEmpty(t, reasons, "the base has base-tool 1 and it is a fact")

	solution, reasons, err := h.WhyNot(t.Context(), "other", true)
	require.NoError(t, err)
	require.Empty(t, reasons)
	require.NotNil(t, solution.Requested["other"])

	_, _, err = h.WhyNot(t.Context(), "no-such", true)
	require.Equal(t, txn.KindNotFound, txn.Classify(err))
}

// TestEtcDiff previews what the next deployment makes of local changes.
func TestEtcDiff(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	old := h.tree("1").With(ostreetest.Tree{"usr/etc/a": ostreetest.File("1"), "usr/etc/b": ostreetest.File("1")})
	h.write(ref, old, ostree.Commit{Timestamp: h.now})
	h.apply(txn.Change{Deploy: ref})
	h.boot(0)
	next := h.write(ref, h.tree("1").With(ostreetest.Tree{"usr/etc/a": ostreetest.File("2"), "usr/etc/b": ostreetest.File("2")}), ostree.Commit{Timestamp: h.now})
	list, err := h.sysroot.Deployments(t.Context())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(list[0].Path+"/etc/a", []byte("mine"), 0o644))

	diff, err := h.EtcDiff(t.Context(), ostree.Checksum{})
	require.NoError(t, err)
	require.Equal(t, []etcmerge.Change{{Path: "a", Kind: etcmerge.Modified}}, diff.Changes)
	require.Nil(t, diff.Merge, "nothing else boots next")

	diff, err = h.EtcDiff(t.Context(), next)
	require.NoError(t, err)
	require.Equal(t, next.String(), diff.To)
	require.Equal(t, []etcmerge.Conflict{{Path: "a", Local: etcmerge.Modified, Default: etcmerge.Modified}}, diff.Merge.Conflicts)
	require.Equal(t, []etcmerge.Change{{Path: "b", Kind: etcmerge.Modified}}, diff.Merge.Taken)
}

// TestOwners finds files of installed packages, and what the archives have.
func TestOwners(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write(ref, h.tree("1").With(ostreetest.Tree{
		"usr/lib/sysimage/dpkg/info/extra.list": ostreetest.File("/.\n/usr\n/usr/bin\n/bin/extra\n/usr/share/extra/data\n"),
	}), ostree.Commit{Timestamp: h.now})
	h.apply(txn.Change{Deploy: ref})
	for pattern, want := range map[string]string{
		"/usr/bin/extra": "/bin/extra", "bin/extra": "/bin/extra", "/bin/extra": "/bin/extra", "dat[a]": "/usr/share/extra/data", "/none": "",
	} {
		found, err := h.Owners(t.Context(), pattern)
		require.NoError(t, err, pattern)
		if want == "" {
			require.Empty(t, found)
			continue
		}
		require.Equal(t, []txn.Owned{{Path: want, Package: "extra", Version: "1.0"}}, found, pattern)
	}
	var errs []error
	for _, err := range h.FindFile(t.Context(), "/usr/bin/tool", false) {
		errs = append(errs, err)
	}
	require.Len(t, errs, 1)
	require.ErrorContains(t, errs[0], "no source has lists of the files")
}
