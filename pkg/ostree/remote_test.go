package ostree_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

const exampleURL = "https://archive.example/repo"

func readConfig(t *testing.T, r *ostree.Repo) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.Path(), "config"))
	require.NoError(t, err)
	return string(data)
}

func TestAddRemote(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	before := readConfig(t, r)
	require.NoError(t, r.AddRemote("origin", ostree.AddRemoteOptions{URL: exampleURL, Options: []ostree.RemoteOption{
		{"branches", "a;b;"}, {"gpg-verify", "false"}, {"contenturl", "mirrorlist=https://archive.example/mirrors"}, {"x.unknown", "kept"},
	}}))
	require.NoError(t, r.AddRemote("meta", ostree.AddRemoteOptions{URL: "metalink=https://archive.example/metalink.xml"}))
	require.Equal(t, before+"\n[remote \"origin\"]\nurl=https://archive.example/repo\nbranches=a;b;\ngpg-verify=false\n"+
		"contenturl=mirrorlist=https://archive.example/mirrors\nx.unknown=kept\n\n[remote \"meta\"]\nmetalink=https://archive.example/metalink.xml\n", readConfig(t, r))

	for _, repo := range []*ostree.Repo{r, reopen(t, r, "")} {
		require.Equal(t, []string{"meta", "origin"}, repo.Remotes())
		origin, err := repo.Remote("origin")
		require.NoError(t, err)
		require.Equal(t, exampleURL, origin.URL)
		require.Equal(t, []string{"a", "b"}, origin.Branches)
		require.False(t, origin.GPGVerify)
		require.True(t, origin.HTTP2)
		require.Equal(t, filepath.Join(repo.Path(), "config"), origin.Path)
		value, ok := origin.Option("x.unknown")
		require.True(t, ok)
		require.Equal(t, "kept", value)
		meta, err := repo.Remote("meta")
		require.NoError(t, err)
		require.Equal(t, "https://archive.example/metalink.xml", meta.Metalink)
		require.True(t, meta.GPGVerify, "signatures are asked for unless told otherwise")
	}
}

func TestAddRemoteRefuses(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	require.NoError(t, r.AddRemote("origin", ostree.AddRemoteOptions{URL: exampleURL}))
	before := readConfig(t, r)
	var exists *ostree.RemoteExistsError
	require.ErrorAs(t, r.AddRemote("origin", ostree.AddRemoteOptions{URL: exampleURL}), &exists)
	require.True(t, exists.InConfig)
	for _, name := range []string{"", "..", "a/b", "a\"]", "a\nb", "-a"} {
		var wrong *ostree.RemoteNameError
		require.ErrorAs(t, r.AddRemote(name, ostree.AddRemoteOptions{URL: exampleURL}), &wrong, name)
	}
	require.ErrorContains(t, r.AddRemote("x", ostree.AddRemoteOptions{}), "no URL")
	for _, option := range []ostree.RemoteOption{{"", "x"}, {"a=b", "x"}, {"a\nb", "x"}, {"gpg-verify", "maybe"}} {
		require.Error(t, r.AddRemote("x", ostree.AddRemoteOptions{URL: exampleURL, Options: []ostree.RemoteOption{option}}), option.Key)
	}
	require.Equal(t, before, readConfig(t, r))
	require.NoError(t, r.AddRemote("x", ostree.AddRemoteOptions{Options: []ostree.RemoteOption{{"custom-backend", "oci"}}}))
}

func TestReplacedRemoteKeepsNothing(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	require.NoError(t, r.AddRemote("origin", ostree.AddRemoteOptions{URL: exampleURL, Options: []ostree.RemoteOption{{"gpg-verify", "false"}}}))
	require.NoError(t, r.AddRemote("origin", ostree.AddRemoteOptions{URL: exampleURL + "2", Replace: true}))
	origin, err := r.Remote("origin")
	require.NoError(t, err)
	require.Equal(t, exampleURL+"2", origin.URL)
	require.True(t, origin.GPGVerify)
}

func TestDeleteRemote(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	require.NoError(t, r.AddRemote("origin", ostree.AddRemoteOptions{URL: exampleURL}))
	keyring := filepath.Join(r.Path(), "origin.trustedkeys.gpg")
	require.NoError(t, os.WriteFile(keyring, nil, 0o644))
	require.NoError(t, r.DeleteRemote("origin"))
	require.NoFileExists(t, keyring, "a later remote of the same name must not inherit trust")
	var missing *ostree.RemoteNotFoundError
	_, err := r.Remote("origin")
	require.ErrorAs(t, err, &missing)
	require.ErrorAs(t, r.DeleteRemote("origin"), &missing)
	require.NotContains(t, readConfig(t, r), "origin")
}

func TestRemotesOfParents(t *testing.T) {
	t.Parallel()
	parent := newRepo(t, ostree.ModeArchive)
	require.NoError(t, parent.AddRemote("both", ostree.AddRemoteOptions{URL: exampleURL, Options: []ostree.RemoteOption{{"proxy", "http://proxy.example"}}}))
	require.NoError(t, parent.AddRemote("above", ostree.AddRemoteOptions{URL: exampleURL}))
	child := reopen(t, newRepo(t, ostree.ModeBareUser), "parent="+parent.Path()+"\n")
	require.NoError(t, child.AddRemote("both", ostree.AddRemoteOptions{URL: exampleURL + "/child"}))
	require.Equal(t, []string{"above", "both"}, child.Remotes())
	above, err := child.Remote("above")
	require.NoError(t, err)
	require.Equal(t, filepath.Join(parent.Path(), "config"), above.Path)
	both, err := child.Remote("both")
	require.NoError(t, err)
	require.Equal(t, exampleURL+"/child", both.URL)
	require.Empty(t, both.Proxy, "a remote is replaced as a whole")
	var missing *ostree.RemoteNotFoundError
	require.ErrorAs(t, child.DeleteRemote("above"), &missing)
}

// systemRepo is a repository with a directory of remotes.
func systemRepo(t *testing.T, dir string) (*ostree.Repo, error) {
	t.Helper()
	o := fastOptions
	o.RemotesDir = filepath.Join(dir, "remotes.d")
	r, err := ostree.Init(filepath.Join(dir, "repo"), ostree.ModeArchive, o)
	if err == nil {
		t.Cleanup(func() { require.NoError(t, r.Close()) })
	}
	return r, err
}

func TestRemotesDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	conf := filepath.Join(dir, "remotes.d", "vendor.conf")
	require.NoError(t, os.MkdirAll(filepath.Dir(conf), 0o755))
	require.NoError(t, os.WriteFile(conf, []byte("# by the vendor\n[remote \"vendor\"]\nurl=https://archive.example/vendor\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "remotes.d", "README"), []byte("no key file"), 0o644))
	r, err := systemRepo(t, dir)
	require.NoError(t, err)
	require.Equal(t, []string{"vendor"}, r.Remotes())

	require.NoError(t, r.AddRemote("mine", ostree.AddRemoteOptions{URL: exampleURL}))
	require.FileExists(t, filepath.Join(dir, "remotes.d", "mine.conf"))
	require.NotContains(t, readConfig(t, r), "mine")
	var exists *ostree.RemoteExistsError
	require.ErrorAs(t, r.AddRemote("vendor", ostree.AddRemoteOptions{URL: exampleURL}), &exists)
	require.Equal(t, conf, exists.Path)
	require.ErrorAs(t, r.SetConfigValue(`remote "vendor"`, "url", exampleURL), &exists, "it would stand in two places")

	require.NoError(t, r.AddRemote("vendor", ostree.AddRemoteOptions{URL: exampleURL, Replace: true}))
	data, err := os.ReadFile(conf)
	require.NoError(t, err)
	require.Contains(t, string(data), exampleURL)
	require.NoError(t, r.DeleteRemote("vendor"))
	require.NoFileExists(t, conf)
	require.Equal(t, []string{"mine"}, r.Remotes())

	require.NoError(t, r.SetConfigValue("core", "add-remotes-config-dir", "false"))
	again, err := systemRepo(t, dir)
	require.NoError(t, err)
	require.NoError(t, again.AddRemote("local", ostree.AddRemoteOptions{URL: exampleURL}))
	require.Contains(t, readConfig(t, again), "local")
}

func TestRemoteInTwoPlaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "remotes.d"), 0o755))
	for _, name := range []string{"a.conf", "b.conf"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "remotes.d", name), []byte("[remote \"vendor\"]\nurl=https://archive.example/\n"), 0o644))
	}
	_, err := systemRepo(t, dir)
	var twice *ostree.RemoteTwiceError
	require.ErrorAs(t, err, &twice)
	require.Equal(t, "vendor", twice.Remote)
}
