package oci_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// run runs a program and returns what it prints.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var errors strings.Builder
	cmd.Stderr = &errors
	out, err := cmd.Output()
	require.NoError(t, err, "%s %s: %s", name, strings.Join(args, " "), errors.String())
	return string(out)
}

func TestSkopeoReadsTheImage(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("skopeo"))
	repo, commit := source(t)
	to := layout(t)
	exported := export(t, repo, commit, to, chunked())

	var seen struct {
		Digest       string
		Created      string
		Architecture string
		Labels       map[string]string
		Layers       []string
	}
	require.NoError(t, json.Unmarshal([]byte(run(t, "skopeo", "inspect", to.String())), &seen))
	require.Equal(t, exported.Digest, seen.Digest)
	require.Equal(t, commit.String(), seen.Labels[oci.LabelCommit])
	require.Equal(t, "12.1", seen.Labels["org.opencontainers.image.version"])
	require.Equal(t, "1", seen.Labels[oci.LabelBootc])
	require.Equal(t, "amd64", seen.Architecture)
	require.Equal(t, "2023-11-14T22:13:20Z", seen.Created)
	require.Len(t, seen.Layers, len(exported.Layers))

	// A copy of skopeo's keeps the digest, and can be imported.
	copied := locate(t, "oci-archive:"+filepath.Join(t.TempDir(), "copy.tar")+":latest")
	run(t, "skopeo", "copy", "--insecure-policy", to.String(), copied.String())
	image := open(t, copied)
	require.Equal(t, exported.Digest, image.Digest)
	other := ostreetest.Repo(t, ostree.ModeBareUser)
	imported, err := image.Import(t.Context(), other, oci.ImportOptions{})
	require.NoError(t, err)
	require.Equal(t, commit, imported.Base)

	// It reads our archives as well.
	archive := locate(t, "oci-archive:"+filepath.Join(t.TempDir(), "ours.tar"))
	export(t, repo, commit, archive, chunked())
	require.NoError(t, json.Unmarshal([]byte(run(t, "skopeo", "inspect", archive.String())), &seen))
	require.Equal(t, exported.Digest, seen.Digest)
}

func TestLayersTogetherAreARepository(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("ostree"), testenv.Tool("tar"), testenv.Root)
	repo, commit := source(t)
	to := layout(t)
	exported := export(t, repo, commit, to, chunked())
	dir, _, _ := strings.Cut(to.Name, ":")
	root := t.TempDir()
	for _, l := range exported.Layers {
		run(t, "tar", "-C", root, "--numeric-owner", "-xpzf", filepath.Join(dir, "blobs", strings.Replace(l.Digest, ":", "/", 1)))
	}
	// A container sees an ordinary root.
	for _, link := range []string{"usr/bin/ping", "usr/bin/ping4"} {
		text, err := os.ReadFile(filepath.Join(root, link))
		require.NoError(t, err)
		require.Equal(t, "ping", string(text))
	}
	info, err := os.Lstat(filepath.Join(root, "etc/shadow"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode())
	require.NoDirExists(t, filepath.Join(root, "usr/etc"))

	inside := ostreetest.Open(t, filepath.Join(root, "ostree/repo"))
	require.Equal(t, ostree.ModeBareSplitXattrs, inside.Mode())
	require.Equal(t, ostreetest.List(t, repo, commit), ostreetest.List(t, inside, commit))
	ostreetest.CLI(t, inside, "fsck")
	require.Equal(t, ostreetest.CLI(t, repo, "ls", "-R", "-X", "-C", commit.String()), ostreetest.CLI(t, inside, "ls", "-R", "-X", "-C", commit.String()))
}

func TestOSTreeChecksWhatWasImported(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("ostree"))
	repo, commit := source(t)
	to := layout(t)
	export(t, repo, commit, to, chunked())
	for _, mode := range []ostree.Mode{ostree.ModeArchive, ostree.ModeBareUser} {
		other := ostreetest.Repo(t, mode)
		imported, err := open(t, to).Import(t.Context(), other, oci.ImportOptions{})
		require.NoError(t, err)
		require.Equal(t, commit, imported.Base)
		ostreetest.CLI(t, other, "fsck", "-a")
	}
}
