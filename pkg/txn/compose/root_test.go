package compose_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

func read(t *testing.T, elem ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(elem...))
	require.NoError(t, err)
	return string(text)
}

// TestPhasesMakeTheSameCommit installs, postprocesses and commits, with and without the middle part:
// the commit is that of a compose in one go.
func TestPhasesMakeTheSameCommit(t *testing.T) {
	t.Parallel()
	needTrees(t)
	archive := syntheticArchive(t, apttest.Deb{
		Package: "tool", Depends: "data", Files: []apttest.File{{Path: "usr/bin/tool", Content: "#!/bin/sh\n", Mode: 0o4755}, {Path: "etc/tool.conf", Content: "x\n"}},
		Scripts: map[string]string{"postinst": "mkdir -p /var/lib/tool; echo made >/var/lib/tool/state; echo tool:x:100:\n>>/etc/group"},
	}, apttest.Deb{Package: "data", Files: []apttest.File{{Path: "usr/share/data", Content: "1"}, {Path: "usr/share/link", Link: "data"}}})
	tree := syntheticTree(archive, "tool")
	tree.AddCommitMetadata = map[string]any{"version": "7"}
	tree.Postprocess = []string{"echo hello >/usr/share/hello"}
	tree.RemoveFiles = []string{"/usr/share/link"}
	metadata := func(o *compose.Options) { o.Metadata = ostree.Metadata{{Key: "k", Value: gvariant.String("v")}} }
	whole := newBuild(t, tree, metadata)
	want := whole.compose(t)
	for name, unpacker := range map[string]assemble.UnpackMode{"native": assemble.UnpackNative, "dpkg": assemble.UnpackDpkg} {
		for _, postprocess := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				parts := newBuild(t, tree, func(o *compose.Options) { metadata(o); o.Unpacker = unpacker })
				root := filepath.Join(t.TempDir(), "rootfs")
				require.NoError(t, parts.Install(t.Context(), parts.plan(t), root, nil))
				require.Equal(t, "x\n", read(t, root, "etc/tool.conf"))
				require.Equal(t, "made\n", read(t, root, "var/lib/tool/state"))
				require.NoFileExists(t, filepath.Join(root, "usr/sbin/policy-rc.d"))
				if postprocess {
					require.NoError(t, parts.Postprocess(t.Context(), root, nil))
					require.Equal(t, "x\n", read(t, root, "usr/etc/tool.conf"))
					require.NoDirExists(t, filepath.Join(root, "etc"))
					require.NoError(t, parts.Postprocess(t.Context(), root, nil), "again")
				}
				plan, err := parts.PlanRoot(t.Context(), root)
				require.NoError(t, err)
				got, err := parts.Commit(t.Context(), plan, root, nil)
				require.NoError(t, err)
				require.Equal(t, plan.InputHash, want.Plan.InputHash)
				requireSame(t, whole.repo, want.Commit, parts.repo, got.Commit)
				require.True(t, parts.plan(t).Unchanged, "a compose after that has nothing to do")
			})
		}
	}
}

func TestRootfsHasEtc(t *testing.T) {
	t.Parallel()
	needTrees(t)
	tree := syntheticTree(syntheticArchive(t, apttest.Deb{Package: "tool", Files: []apttest.File{{Path: "etc/tool.conf", Content: "x\n"}}}), "tool")
	b := newBuild(t, tree, func(o *compose.Options) { o.Repo = nil })
	root := filepath.Join(t.TempDir(), "made")
	require.NoError(t, b.Rootfs(t.Context(), b.plan(t), root, nil))
	require.Equal(t, "x\n", read(t, root, "etc/tool.conf"))
	require.FileExists(t, filepath.Join(root, "usr/lib/sysimage/dpkg/status"))
	entries, err := os.ReadDir(filepath.Join(root, "var"))
	require.NoError(t, err)
	require.Empty(t, entries)
	require.NoDirExists(t, filepath.Join(root, "usr/etc"))
}
