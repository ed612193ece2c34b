package apt_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

func TestSnapshot(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{Origin: "Test", Label: "Test"})
	a.ReleaseFields = []string{"Snapshots: " + a.URL + "snapshot/@SNAPSHOTID@/@PATH@"}
	a.Add(hello, data)
	a.ValidUntil = time.Now().Add(time.Hour)
	s := a.Publish()
	old := apttest.New(t, apttest.Options{Key: a.Key})
	old.Add(apttest.Deb{Package: "hello", Version: "0.9", Architecture: "amd64"})
	old.ValidUntil = time.Now().Add(-24 * time.Hour)
	old.Date = time.Now().Add(-48 * time.Hour)
	old.Publish()
	require.NoError(t, os.CopyFS(filepath.Join(a.Dir, "snapshot/20240210T000000Z"), os.DirFS(old.Dir)))

	s.Snapshot = "20240210T000000Z"
	c := client(t, nil)
	u, err := c.Update(t.Context(), []source.Source{s})
	require.NoError(t, err, "it has expired, as snapshots have")
	require.Equal(t, "hello:amd64=0.9", names(u))
	_, err = c.Download(t.Context(), u.Versions("hello"), apt.DownloadOptions{})
	require.NoError(t, err)

	s.Snapshot = "enable"
	_, err = c.Update(t.Context(), []source.Source{s})
	require.ErrorContains(t, err, "no time is given")
	u, err = configured(t, `APT::Snapshot "20240210T000000Z";`, nil).Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	require.Equal(t, "hello:amd64=0.9", names(u))
	s.Snapshot = "no"
	u, err = c.Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	require.Equal(t, both, names(u))
	s.Snapshot = "../../20240210T000000Z"
	_, err = c.Update(t.Context(), []source.Source{s})
	require.ErrorContains(t, err, "is not a time")

	s.Snapshot = "20240210T000000Z"
	for option, found := range map[string]bool{
		`Override::Label::Test "no";`:                                  false,
		`Override::Origin::Test "` + a.URL + `snapshot/@SNAPSHOTID@";`: true,
		`Override::Label::Other "no";`:                                 true,
	} {
		u, err := configured(t, "Acquire::Snapshots::URI::"+option, nil).Update(t.Context(), []source.Source{s})
		if !found {
			require.ErrorContains(t, err, "no snapshots that are known", option)
			continue
		}
		require.NoError(t, err, option)
		require.Equal(t, "hello:amd64=0.9", names(u))
	}
}
