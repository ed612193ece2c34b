package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// openImage opens the image in a layout or archive.
func openImage(t *testing.T, location string) *oci.Image {
	t.Helper()
	l, err := oci.ParseLocation(location)
	require.NoError(t, err)
	image, err := oci.Open(t.Context(), l, oci.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, image.Close()) })
	return image
}

func TestEncapsulate(t *testing.T) {
	t.Parallel()
	repo := ostreetest.Repo(t, ostree.ModeArchive)
	commit := ostreetest.Commit(t, repo, "test", ostreetest.Tree{"usr/bin/a": ostreetest.File("a")})
	to := "oci:" + filepath.Join(t.TempDir(), "image") + ":latest"
	config := write(t, "config.json", `{"Env": ["A=1"], "Labels": {"from": "config"}}`)
	out := run(t, "compose", "container-encapsulate", "--repo="+repo.Path(), "--label=a=b", "--image-config="+config, "--cmd=/sbin/init", "test", to)
	require.Zero(t, out.code, out.stderr)
	image := openImage(t, to)
	require.Contains(t, out.stdout, "Layer 1 of 1: ")
	require.Contains(t, out.stdout, "Wrote: "+to+"\nDigest: "+image.Digest+"\n")
	require.Equal(t, commit, image.Commit())
	require.Equal(t, "b", image.Labels()["a"])
	require.Equal(t, "config", image.Labels()["from"])

	out = run(t, "compose", "container-encapsulate", "--repo="+repo.Path(), "--json", "test", "oci-archive:"+filepath.Join(t.TempDir(), "image.tar"))
	require.Zero(t, out.code, out.stderr)
	var exported oci.Exported
	require.NoError(t, json.Unmarshal([]byte(out.stdout), &exported))
	require.Len(t, exported.Layers, 1)
}

func TestBuildChunked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"etc/a.conf": "a", "usr/bin/a": "a", "sysroot/secret": "x", "run/b": "b",
		"usr/lib/sysimage/dpkg/status":      "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n",
		"usr/lib/sysimage/dpkg/info/a.list": "/usr/bin/a\n/etc/a.conf\n",
		"usr/lib/modules/6.1/vmlinuz":       "k",
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	to := "oci:" + filepath.Join(t.TempDir(), "image") + ":latest"
	out := run(t, "compose", "build-chunked-oci", "--rootfs="+dir, "--output="+to)
	require.Zero(t, out.code, out.stderr)
	image := openImage(t, to)
	require.Equal(t, oci.Division{{"a"}, {"package-database"}, {"unpackaged"}}, image.Division())
	require.True(t, image.Bootable())
	repo := ostreetest.Repo(t, ostree.ModeBareUser)
	imported, err := image.Import(t.Context(), repo, oci.ImportOptions{})
	require.NoError(t, err)
	tree, err := repo.FS(t.Context(), imported.Commit)
	require.NoError(t, err)
	for path, there := range map[string]bool{"usr/etc/a.conf": true, "etc": false, "sysroot": true, "sysroot/secret": false, "run/b": false} {
		_, err := tree.Lstat(path)
		require.Equal(t, there, err == nil, path)
	}

	// The image again, in two layers.
	again := "oci-archive:" + filepath.Join(t.TempDir(), "image.tar")
	out = run(t, "compose", "build-chunked-oci", "--from="+to, "--max-layers=2", "--output="+again)
	require.Zero(t, out.code, out.stderr)
	require.Equal(t, oci.Division{{"a", "package-database", "unpackaged"}}, openImage(t, again).Division())
}

func TestImageCommandsRefuse(t *testing.T) {
	t.Parallel()
	tree := treefile(t, archive(t, nil), "editor")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no repo":      {[]string{"container-encapsulate", "a", "oci:b"}, "--repo is required"},
		"no image":     {[]string{"container-encapsulate", "--repo=x", "a", "b"}, "not of the form TRANSPORT:NAME"},
		"label":        {[]string{"container-encapsulate", "--repo=x", "--label=x", "a", "oci:b"}, "--label=x: not of the form KEY=VALUE"},
		"storage":      {[]string{"container-encapsulate", "--repo=x", "a", "containers-storage:b"}, "copy the image with skopeo to oci:"},
		"no output":    {[]string{"build-chunked-oci", "--rootfs=/"}, "--output is required"},
		"two sources":  {[]string{"build-chunked-oci", "--rootfs=/", "--from=oci:x", "--output=oci:y"}, "none of the others can be"},
		"format":       {[]string{"image", tree, "x", "--format=floppy"}, "known are ociarchive, oci and registry"},
		"mode":         {[]string{"image", tree, "x", "--initialize-mode=maybe"}, "known are query, if-not-exists, always and never"},
		"config":       {[]string{"container-encapsulate", "--repo=x", "--image-config=/nonexistent", "a", "oci:b"}, "/nonexistent: no such file"},
		"no directory": {[]string{"build-chunked-oci", "--rootfs=/nonexistent", "--output=oci:y"}, "/nonexistent: no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := run(t, append([]string{"compose"}, c.args...)...)
			require.Equal(t, 1, out.code)
			require.Contains(t, out.stderr, c.want)
		})
	}
}

func TestComposeImageDryRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := run(t, "compose", "image", treefile(t, archive(t, nil), "editor"), dir+"/image", "--arch=amd64", "--cachedir="+dir+"/cache", "--dry-run")
	require.Zero(t, out.code, out.stderr)
	require.Contains(t, out.stdout, "  base_1.0_all (stable)\n  editor_1.0_all (stable)\n")
	require.NoFileExists(t, dir+"/image")
}

// TestComposeImage makes images of a synthetic system, one after the other.
func TestComposeImage(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Overlay, testenv.Tool("bwrap"), testenv.Tool("dpkg"), testenv.Tool("ldd"))
	a := apttest.New(t, apttest.Options{})
	a.Add(apttest.System(t),
		apttest.Deb{Package: "tool", Files: []apttest.File{{Path: "usr/share/tool", Content: "x"}}},
		apttest.Deb{Package: "other", Files: []apttest.File{{Path: "usr/share/other", Content: "y"}}})
	a.Publish()
	tree := treefile(t, a, "tool")
	text, err := os.ReadFile(tree)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(tree, append(text, "container: true\n"...), 0o644))
	dir := t.TempDir()
	compose := func(want int, flags ...string) outcome {
		t.Helper()
		args := []string{"compose", "image", tree, dir + "/image.ociarchive", "--arch=amd64", "--cachedir=" + dir + "/cache"}
		out := run(t, append(args, flags...)...)
		require.Equal(t, want, out.code, out.stdout+out.stderr)
		return out
	}
	require.Contains(t, compose(1).stderr, "--initialize makes the first one")
	require.Contains(t, compose(0, "--initialize").stdout, "Wrote: oci-archive:")
	first := openImage(t, "oci-archive:"+dir+"/image.ociarchive")
	require.Contains(t, compose(0).stdout, "No apparent changes since the image at")
	require.Contains(t, compose(1, "--initialize-mode=never").stderr, "exists already")

	require.NoError(t, os.WriteFile(tree, append(bytes.Replace(text, []byte("[tool]"), []byte("[tool, other]"), 1), "container: true\n"...), 0o644))
	require.Regexp(t, `[1-9] of [0-9]+ layers are those of the image before`, compose(0).stdout)
	second := openImage(t, "oci-archive:"+dir+"/image.ociarchive")
	require.NotEqual(t, first.Commit(), second.Commit())
	repo := ostreetest.Open(t, dir+"/cache/repo")
	imported, err := second.Import(t.Context(), repo, oci.ImportOptions{})
	require.NoError(t, err)
	require.Equal(t, second.Commit(), imported.Base)
}
