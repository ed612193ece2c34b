package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// TestComposePhases installs, postprocesses and commits a tree by commands of their own.
func TestComposePhases(t *testing.T) {
	t.Parallel()
	tree, dir := composable(t), t.TempDir()
	root := dir + "/build/rootfs"
	require.Equal(t, root+"\n", mustCompose(t, dir, "install", tree, dir+"/build"))
	text, err := os.ReadFile(root + "/etc/tool")
	require.NoError(t, err)
	require.Equal(t, "y", string(text))
	out := run(t, "compose", "install", tree, dir+"/build")
	require.Equal(t, 1, out.code)
	require.Contains(t, out.stderr, root+" is there already")

	require.Contains(t, mustCompose(t, dir, "postprocess", root), root)
	require.FileExists(t, root+"/usr/etc/tool")
	require.Contains(t, mustCompose(t, dir, "commit", tree, root, "--repo="+dir+"/repo", "--write-composejson-to="+dir+"/compose.json"), "test => ")
	document, err := os.ReadFile(dir + "/compose.json")
	require.NoError(t, err)
	repo := ostreetest.Open(t, dir+"/repo")
	first, err := repo.Resolve(t.Context(), "test")
	require.NoError(t, err)
	require.Contains(t, string(document), first.String())

	// It is what the other commands would have made.
	require.Contains(t, mustCompose(t, dir, "tree", tree, "--repo="+dir+"/repo"), "No apparent changes")
	require.Contains(t, mustCompose(t, dir, "install", tree, dir+"/again", "--repo="+dir+"/repo"), "No apparent changes")
	require.NoDirExists(t, dir+"/again")
	require.Contains(t, mustCompose(t, dir, "install", tree, dir+"/again", "--repo="+dir+"/repo", "--force-nocache", "--postprocess", "--json"), `"rootfs"`)
	require.FileExists(t, dir+"/again/rootfs/usr/etc/tool")

	made := filepath.Join(dir, "deep", "made")
	mustCompose(t, dir, "rootfs", tree, made)
	require.FileExists(t, made+"/etc/tool")
}

func TestComposePhasesErrors(t *testing.T) {
	t.Parallel()
	tree, dir := write(t, "t.yaml", "packages: [a]\n"), t.TempDir()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no root":         {[]string{"postprocess", dir, tree}, "not a root tree"},
		"no treefile":     {[]string{"postprocess", dir}, "treefile"},
		"no repository":   {[]string{"commit", tree, dir}, "--repo is required"},
		"nothing there":   {[]string{"commit", tree, dir + "/none", "--repo=" + dir + "/repo"}, "no such file"},
		"no base for it":  {[]string{"install", tree, dir, "--previous-commit=x"}, "there is no repository to look for a commit in"},
		"one word":        {[]string{"install", tree}, "accepts 2 arg(s)"},
		"words of rootfs": {[]string{"rootfs", tree}, "accepts 2 arg(s)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := run(t, append(append([]string{"compose"}, c.args...), "--cachedir="+t.TempDir())...)
			require.Equal(t, 1, out.code)
			require.Contains(t, out.stderr, c.want)
		})
	}
}
