package oci_test

import (
	"io"
	"log"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// serve runs a registry in this process.
func serve(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestImportGivesTheCommitBack(t *testing.T) {
	t.Parallel()
	repo, commit := source(t)
	host := serve(t)
	for _, c := range []struct {
		name   string
		to     string
		opts   oci.ExportOptions
		layers int
	}{
		{"one layer", "oci:DIR/image:latest", oci.ExportOptions{Architecture: "amd64"}, 1},
		{"chunks", "oci:DIR/image:latest", chunked(), 5},
		{"chunks, version 2", "oci:DIR/image", version2(), 5},
		{"archive", "oci-archive:DIR/image.tar:v1", chunked(), 5},
		{"registry", "docker://" + host + "/os/test:stable", chunked(), 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			to := locate(t, strings.Replace(c.to, "DIR", t.TempDir(), 1))
			c.opts.WorkDir = t.TempDir()
			exported := export(t, repo, commit, to, c.opts)
			require.Len(t, exported.Layers, c.layers)

			image := open(t, to)
			require.Equal(t, exported.Digest, image.Digest)
			require.Equal(t, commit, image.Commit())
			require.Equal(t, "12.1", image.Version())
			require.True(t, image.Bootable())
			other := ostreetest.Repo(t, ostree.ModeBareUser)
			imported, err := image.Import(t.Context(), other, oci.ImportOptions{})
			require.NoError(t, err)
			require.Equal(t, commit, imported.Base)
			require.Equal(t, c.layers, imported.Fetched)
			require.Equal(t, ostreetest.List(t, repo, commit), ostreetest.List(t, other, imported.Commit))
			checkSound(t, other)

			again, err := image.Import(t.Context(), other, oci.ImportOptions{})
			require.NoError(t, err)
			require.Zero(t, again.Fetched)
			require.Equal(t, imported.Commit, again.Commit)
			ref, err := other.Resolve(t.Context(), oci.ImageRef(to).Ref)
			require.NoError(t, err)
			require.Equal(t, imported.Commit, ref)
		})
	}
}

func version2() oci.ExportOptions {
	opts := chunked()
	opts.FormatVersion = 2
	return opts
}

func TestMergeCommitDescribesTheImage(t *testing.T) {
	t.Parallel()
	repo, commit := source(t)
	to := layout(t)
	export(t, repo, commit, to, chunked())
	image := open(t, to)
	imported, err := image.Import(t.Context(), repo, oci.ImportOptions{})
	require.NoError(t, err)
	base, err := repo.LoadCommit(t.Context(), commit)
	require.NoError(t, err)
	merged, err := repo.LoadCommit(t.Context(), imported.Commit)
	require.NoError(t, err)
	require.Equal(t, base.Tree, merged.Tree)
	require.Equal(t, image.Digest, oci.ImageDigest(merged))
	require.Contains(t, merged.Metadata.Str(oci.MetadataManifest), `"schemaVersion":2`)
	require.Contains(t, merged.Metadata.Str(oci.MetadataImageConfig), `"diff_ids"`)
	require.Equal(t, "12.1", merged.Metadata.Str(ostree.MetadataVersion))
	_, bound := merged.Metadata.Lookup(ostree.MetadataRefBinding)
	require.False(t, bound)
}

func TestExportIsReproducible(t *testing.T) {
	t.Parallel()
	repo, commit := source(t)
	first := export(t, repo, commit, layout(t), chunked())
	archive := repoOfMode(t, repo, commit, ostree.ModeArchive)
	second := export(t, archive, commit, locate(t, "oci-archive:"+filepath.Join(t.TempDir(), "x")), chunked())
	require.Equal(t, first, second)
}

// repoOfMode is a repository of another mode with the same commit.
func repoOfMode(t testing.TB, repo *ostree.Repo, c ostree.Checksum, mode ostree.Mode) *ostree.Repo {
	t.Helper()
	other := ostreetest.Repo(t, mode)
	require.NoError(t, ostree.ImportCommit(t.Context(), other, repo, c))
	return other
}

func TestOnlyNewLayersAreFetched(t *testing.T) {
	t.Parallel()
	repo, commit := source(t)
	to := layout(t)
	export(t, repo, commit, to, chunked())
	other := ostreetest.Repo(t, ostree.ModeBareUser)
	first, err := open(t, to).Import(t.Context(), other, oci.ImportOptions{})
	require.NoError(t, err)

	tree := system()
	tree["usr/bin/su"] = ostreetest.File("#!/bin/bash\n").Perm(0o4755)
	next := bootable(t, repo, tree)
	export(t, repo, next, to, chunked())
	image := open(t, to)
	missing, err := image.Missing(t.Context(), other)
	require.NoError(t, err)
	require.Len(t, missing, 2) // that of the commit, that of the tools
	second, err := image.Import(t.Context(), other, oci.ImportOptions{})
	require.NoError(t, err)
	require.Equal(t, next, second.Base)
	require.Equal(t, 2, second.Fetched)
	require.NotEqual(t, first.Commit, second.Commit)
	checkSound(t, other)
}

func TestLayoutHoldsSeveralImages(t *testing.T) {
	t.Parallel()
	repo, commit := source(t)
	dir := filepath.Join(t.TempDir(), "image")
	tree := system()
	tree["usr/new"] = ostreetest.File("new")
	next := bootable(t, repo, tree)
	export(t, repo, commit, locate(t, "oci:"+dir+":one"), chunked())
	export(t, repo, next, locate(t, "oci:"+dir+":two"), chunked())
	require.Equal(t, commit, open(t, locate(t, "oci:"+dir+":one")).Commit())
	require.Equal(t, next, open(t, locate(t, "oci:"+dir+":two")).Commit())

	_, err := oci.Open(t.Context(), locate(t, "oci:"+dir), oci.Options{})
	require.ErrorContains(t, err, "the layout has 2 images")
	_, err = oci.Open(t.Context(), locate(t, "oci:"+dir+":three"), oci.Options{})
	require.ErrorIs(t, err, oci.ErrNotFound)
	_, err = oci.Open(t.Context(), locate(t, "oci:"+dir+"-missing"), oci.Options{})
	require.ErrorIs(t, err, oci.ErrNotFound)
}
