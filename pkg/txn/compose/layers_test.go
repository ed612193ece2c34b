package compose_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

// TestLayers puts commits of another repository over the packages.
func TestLayers(t *testing.T) {
	t.Parallel()
	needTrees(t)
	archive := syntheticArchive(t, apttest.Deb{Package: "tool", Files: []apttest.File{{Path: "usr/share/tool", Content: "package"}, {Path: "usr/share/private", Dir: true, Mode: 0o700}}})
	layers := ostreetest.Repo(t, ostree.ModeArchive)
	ostreetest.Commit(t, layers, "extra", ostreetest.Tree{
		"usr/share/extra": ostreetest.File("extra"), "usr/etc/extra.conf": ostreetest.File("conf"),
		"usr/share/private": ostreetest.Dir(), "usr/share/private/x": ostreetest.File("x"),
	})
	ostreetest.Commit(t, layers, "override", ostreetest.Tree{"usr/share/tool": ostreetest.File("layer"), "usr/share/extra": ostreetest.File("extra")})
	for name, unpacker := range map[string]assemble.UnpackMode{"native": assemble.UnpackNative, "dpkg": assemble.UnpackDpkg} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := syntheticTree(archive, "tool")
			tree.Layers, tree.OverrideLayers = []string{"extra"}, []string{"override"}
			tree.Postprocess = []string{"cat /usr/share/extra >/usr/share/seen"}
			b := newBuild(t, tree, func(o *compose.Options) { o.LayerRepo, o.Unpacker = layers, unpacker })
			r := b.compose(t)
			fsys, err := b.repo.FS(t.Context(), r.Commit)
			require.NoError(t, err)
			for path, want := range map[string]string{
				"usr/share/extra": "extra", "usr/etc/extra.conf": "conf", "usr/share/tool": "layer", "usr/share/private/x": "x", "usr/share/seen": "extra",
			} {
				text, err := fsys.ReadFile(path)
				require.NoError(t, err)
				require.Equal(t, want, string(text), path)
			}
			info, err := fsys.Stat("usr/share/private")
			require.NoError(t, err)
			require.EqualValues(t, 0o700, info.Mode().Perm())
			require.True(t, b.plan(t).Unchanged)

			tree.OverrideLayers = []string{layers.Path()} // is no commit
			_, err = b.Plan(t.Context())
			require.ErrorContains(t, err, "layer "+layers.Path())

			tree.Layers, tree.OverrideLayers = []string{"override"}, nil
			_, err = b.Apply(t.Context(), b.plan(t), nil)
			require.ErrorContains(t, err, "layer override: /usr/share/tool is in the tree already")
		})
	}
}
