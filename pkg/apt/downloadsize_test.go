package apt_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

func TestDownloadSizeCountsWhatIsNotCached(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(apttest.Deb{Package: "one"}, apttest.Deb{Package: "two"})
	sources := []source.Source{a.Publish()}
	client, err := apt.NewClient(apt.ClientOptions{CacheDir: t.TempDir(), Architecture: "amd64"})
	require.NoError(t, err)
	universe, err := client.Update(t.Context(), sources)
	require.NoError(t, err)
	one, two := universe.Versions("one")[0], universe.Versions("two")[0]
	local := &apt.Package{Name: "local", Path: "/local.deb", Size: 1000}

	size, err := client.DownloadSize([]*apt.Package{one, two, local})
	require.NoError(t, err)
	require.Equal(t, one.Size+two.Size, size)
	_, err = client.Download(t.Context(), []*apt.Package{one}, apt.DownloadOptions{})
	require.NoError(t, err)
	size, err = client.DownloadSize([]*apt.Package{one, two})
	require.NoError(t, err)
	require.Equal(t, two.Size, size)
}
