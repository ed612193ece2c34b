package ostree_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// subscriber is a repository with a remote for the collection of src, whose
// commits must be signed by the dummy key "k".
func subscriber(t *testing.T, src *ostree.Repo) *ostree.Repo {
	t.Helper()
	dir := configured(t, ostree.ModeBareUser, map[string]string{
		`remote "apps"/url`:                    "file://" + src.Path(),
		`remote "apps"/collection-id`:          apps,
		`remote "apps"/gpg-verify`:             "false",
		`remote "apps"/sign-verify`:            "dummy",
		`remote "apps"/verification-dummy-key`: "k",
		`remote "none"/url`:                    "http://archive.example/",
	}).Path()
	r, err := ostree.Open(dir, ostree.Options{NoSync: true, DummySign: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// signAs signs the commit of a ref with a dummy key.
func signAs(t *testing.T, r *ostree.Repo, ref, key string) {
	t.Helper()
	signer, err := sign.NewSigner(sign.Dummy, key, sign.Options{Dummy: true})
	require.NoError(t, err)
	c, err := r.Resolve(t.Context(), ref)
	require.NoError(t, err)
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error { return w.SignCommit(t.Context(), c, signer) }))
}

func createUSB(t *testing.T, src *ostree.Repo, opts ostree.USBOptions, refs ...string) string {
	t.Helper()
	volume := t.TempDir()
	for _, ref := range refs {
		_, err := src.CreateUSB(t.Context(), volume, []ostree.PullRef{{Collection: apps, Ref: ref}}, opts)
		require.NoError(t, err)
	}
	return volume
}

func TestFindOnVolumeAndPull(t *testing.T) {
	t.Parallel()
	src := publisher(t)
	signAs(t, src, "a", "k")
	volume := createUSB(t, src, ostree.USBOptions{Path: "some/where"}, "a")
	dst := subscriber(t, src)
	wanted := []ostree.CollectionRef{{apps, "a"}, {apps, "b"}, {"org.example.Unknown", "a"}}
	found, err := dst.FindRemotes(t.Context(), wanted, ostree.FindOptions{Finders: []ostree.Finder{ostree.FindOnVolumes}, Volumes: []string{volume}})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, "apps", found[0].Remote)
	require.Equal(t, "apps.trustedkeys.gpg", found[0].Keyring())
	require.Equal(t, "file://"+volume+"/some/where", found[0].URL)
	c, err := src.Resolve(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, c, found[0].Refs[0].Commit)
	require.Zero(t, found[0].Refs[1].Commit)
	require.Zero(t, found[0].Refs[2].Commit, "nobody says whose keys to trust")

	require.NoError(t, dst.PullFound(t.Context(), found, ostree.PullOptions{}))
	got, err := dst.Resolve(t.Context(), "apps:a")
	require.NoError(t, err)
	require.Equal(t, c, got)
}

func TestPullFoundVerifies(t *testing.T) {
	t.Parallel()
	src := publisher(t)
	signAs(t, src, "a", "k")
	signAs(t, src, "b", "another")
	volume := createUSB(t, src, ostree.USBOptions{}, "a", "b")
	dst := subscriber(t, src)
	found, err := dst.FindRemotes(t.Context(), []ostree.CollectionRef{{apps, "b"}},
		ostree.FindOptions{Finders: []ostree.Finder{ostree.FindOnVolumes}, Volumes: []string{volume}})
	require.NoError(t, err)
	require.Len(t, found, 1)
	err = dst.PullFound(t.Context(), found, ostree.PullOptions{})
	var missing *ostree.NotPulledError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, []ostree.CollectionRef{{apps, "b"}}, missing.Refs)
	require.ErrorIs(t, err, sign.ErrInvalid)
	_, err = dst.Resolve(t.Context(), "apps:b")
	require.ErrorIs(t, err, ostree.ErrRefNotFound)
}

func TestFindPrefersTheNewest(t *testing.T) {
	t.Parallel()
	src := publisher(t)
	volume := createUSB(t, src, ostree.USBOptions{}, "a", "b")
	commitAt(t, src, "a", ostreetest.Timestamp().Add(time.Hour))
	require.NoError(t, src.UpdateSummary(t.Context(), ostree.SummaryOptions{}))
	dst := subscriber(t, src)
	wanted := []ostree.CollectionRef{{apps, "a"}, {apps, "b"}}
	found, err := dst.FindRemotes(t.Context(), wanted, ostree.FindOptions{Volumes: []string{volume}})
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.Equal(t, ostree.FindOnVolumes, found[0].Finder, "a volume is nearer than a server")
	require.Zero(t, found[0].Refs[0].Commit, "the server has a newer one")
	require.NotZero(t, found[0].Refs[1].Commit)
	require.Equal(t, ostree.FindInConfig, found[1].Finder)
	require.NotZero(t, found[1].Refs[0].Commit)
	require.NotZero(t, found[1].Refs[1].Commit, "both have this one")
}

func TestVolumesAreNotTrusted(t *testing.T) {
	t.Parallel()
	src := publisher(t)
	dst := subscriber(t, src)
	volume := t.TempDir()
	other := createUSB(t, src, ostree.USBOptions{}, "a")
	usb := ostreetest.Open(t, filepath.Join(other, ".ostree/repo"))
	require.NoError(t, usb.SetConfigValue("core", "parent", src.Path()))
	require.NoError(t, os.MkdirAll(filepath.Join(volume, ".ostree/repos.d"), 0o755))
	require.NoError(t, os.Symlink(usb.Path(), filepath.Join(volume, ".ostree/repos.d/has-a-parent")))
	require.NoError(t, os.Symlink(dst.Path(), filepath.Join(volume, ".ostree/repos.d/itself")))
	require.NoError(t, os.Symlink("/proc", filepath.Join(volume, ".ostree/repos.d/elsewhere")))
	var ignored []string
	found, err := dst.FindRemotes(t.Context(), []ostree.CollectionRef{{apps, "a"}}, ostree.FindOptions{
		Finders: []ostree.Finder{ostree.FindOnVolumes}, Volumes: []string{volume},
		Ignored: func(place string, err error) { ignored = append(ignored, filepath.Base(place)+": "+err.Error()) },
	})
	require.NoError(t, err)
	require.Empty(t, found)
	require.Equal(t, []string{
		"has-a-parent: it has a parent repository",
		"itself: it is the repository that looks for remotes",
	}, ignored)
}

func TestParseFinders(t *testing.T) {
	t.Parallel()
	finders, err := ostree.ParseFinders("mount;config;", ";")
	require.NoError(t, err)
	require.Equal(t, []ostree.Finder{ostree.FindOnVolumes, ostree.FindInConfig}, finders)
	for _, list := range []string{"", "config,config", "gopher"} {
		_, err := ostree.ParseFinders(list, ",")
		require.Error(t, err, list)
	}
	_, err = ostreetest.Repo(t, ostree.ModeArchive).FindRemotes(t.Context(), nil, ostree.FindOptions{Finders: []ostree.Finder{ostree.FindOnLAN}})
	require.ErrorContains(t, err, "not supported")
}

func TestParseVolumes(t *testing.T) {
	t.Parallel()
	volumes, err := ostree.ParseVolumes(strings.NewReader(`22 1 254:0 / / rw - ext4 /dev/vda rw
30 22 8:17 / /media/user/My\040Stick rw,nosuid shared:1 - vfat /dev/sdb1 rw
31 22 8:18 / /run/media/user/B rw - ext4 /dev/sdb2 rw
32 22 0:41 / /media/tmpfs rw - tmpfs tmpfs rw
33 22 8:19 / /home/user rw - ext4 /dev/sda3 rw
broken
`))
	require.NoError(t, err)
	require.Equal(t, []string{"/media/user/My Stick", "/run/media/user/B"}, volumes)
}

// commitAt commits to a ref of the publisher's collection at a time.
func commitAt(t *testing.T, r *ostree.Repo, ref string, at time.Time) {
	t.Helper()
	old, err := r.Resolve(t.Context(), ref)
	require.NoError(t, err)
	commit, err := r.LoadCommit(t.Context(), old)
	require.NoError(t, err)
	commit.Parent, commit.Timestamp = old, at
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
		c, err := w.WriteCommit(t.Context(), *commit)
		if err != nil {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: ref}, c)
	}))
}
