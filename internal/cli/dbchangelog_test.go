package cli_test

import (
	"bytes"
	"compress/gzip"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// TestChangelog gives the entries that are newer than the old version, by dpkg's order.
func TestChangelog(t *testing.T) {
	t.Parallel()
	entry := func(v string) string {
		return "tool (" + v + ") stable; urgency=medium\n\n  * News of " + v + ".\n\n -- Nobody <n@example.com>  Thu, 01 Jan 2026 00:00:00 +0000\n\n"
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(entry("1:2.10-1") + entry("1:2.9-1") + entry("1:2.8-1")))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	parse := func(text string) version.Version {
		v, err := version.Parse(text)
		require.NoError(t, err)
		return v
	}
	change := dpkg.Change{From: &apt.Package{Name: "tool", Version: parse("1:2.9-1")}, To: &apt.Package{Name: "tool", Version: parse("1:2.10-1"), Architecture: "amd64"}}
	tree := fstest.MapFS{"usr/share/doc/tool/changelog.Debian.gz": {Data: packed.Bytes()}}
	lines, err := cli.Changelog(tree, change)
	require.NoError(t, err)
	require.Equal(t, []string{
		"tool (1:2.10-1) stable; urgency=medium", "", "  * News of 1:2.10-1.", "", " -- Nobody <n@example.com>  Thu, 01 Jan 2026 00:00:00 +0000",
	}, lines)
	lines, err = cli.Changelog(fstest.MapFS{}, change)
	require.NoError(t, err)
	require.Empty(t, lines)
	_, err = cli.Changelog(fstest.MapFS{"usr/share/doc/tool/changelog.gz": {Data: []byte("not packed")}}, change)
	require.Error(t, err)
}
