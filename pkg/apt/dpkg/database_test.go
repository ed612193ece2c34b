package dpkg_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// requireFaithful reads every file of a system's database and writes it again.
func requireFaithful(t *testing.T, root string) {
	t.Helper()
	system := os.DirFS(root)
	entries, err := dpkg.ReadStatusFS(system)
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	var status bytes.Buffer
	require.NoError(t, dpkg.WriteStatus(&status, entries))
	require.Equal(t, read(t, root, "status"), status.String())

	db, err := dpkg.OpenDatabase(system)
	require.NoError(t, err)
	known := map[string]bool{"format": true}
	for _, e := range entries {
		files, err := db.Files(e)
		require.NoError(t, err)
		require.Equal(t, read(t, root, "info/"+e.InfoName()+".list"), string(dpkg.FormatFiles(files)), e.Name)
		digests, err := db.Digests(e)
		require.NoError(t, err)
		sums, err := db.InfoFile(e, "md5sums")
		require.NoError(t, err)
		require.Equal(t, string(sums), string(dpkg.FormatDigests(digests)), e.Name)
		for _, kind := range []string{"list", "md5sums", "conffiles", "preinst", "postinst", "prerm", "postrm", "config", "triggers", "shlibs", "symbols", "templates"} {
			known[e.InfoName()+"."+kind] = true
		}
	}
	info, err := os.ReadDir(filepath.Join(root, "var/lib/dpkg/info"))
	require.NoError(t, err)
	for _, f := range info {
		require.True(t, known[f.Name()], "%s belongs to no entry", f.Name())
	}

	diversions, err := db.Diversions()
	require.NoError(t, err)
	require.Equal(t, read(t, root, "diversions"), string(dpkg.FormatDiversions(diversions)))
	overrides, err := db.Overrides()
	require.NoError(t, err)
	require.Equal(t, read(t, root, "statoverride"), string(dpkg.FormatOverrides(overrides)))
	interests, err := db.FileInterests()
	require.NoError(t, err)
	require.Equal(t, read(t, root, "triggers/File"), string(dpkg.FormatFileInterests(interests)))
	triggers, err := os.ReadDir(filepath.Join(root, "var/lib/dpkg/triggers"))
	require.NoError(t, err)
	for _, f := range triggers {
		if name := f.Name(); name != "File" && name != "Unincorp" && name != "Lock" {
			list, err := db.Interests(name)
			require.NoError(t, err)
			require.Equal(t, read(t, root, "triggers/"+name), string(dpkg.FormatInterests(list)))
		}
	}
	waiting, err := db.Unincorporated()
	require.NoError(t, err)
	require.Equal(t, read(t, root, "triggers/Unincorp"), string(dpkg.FormatActivations(waiting)))
	alternatives, err := db.Alternatives()
	require.NoError(t, err)
	for _, a := range alternatives {
		require.Equal(t, read(t, root, "alternatives/"+a.Name), string(a.Format()))
	}
}

// read reads a file of the database; a missing one is empty.
func read(t *testing.T, root, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "var/lib/dpkg", name))
	if os.IsNotExist(err) {
		return ""
	}
	require.NoError(t, err)
	return string(data)
}

func TestMachineDatabaseIsWrittenAsItWas(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("dpkg"))
	requireFaithful(t, "/")
}

// TestMmdebstrapDatabaseIsWrittenAsItWas does the same with a new tree, which has multi-arch names and
// diversions that this machine need not have.
func TestMmdebstrapDatabaseIsWrittenAsItWas(t *testing.T) {
	t.Parallel()
	testenv.Integration(t, testenv.Root, testenv.Tool("mmdebstrap"))
	config, err := conf.Load("/")
	require.NoError(t, err)
	sources, err := source.Load("/")
	require.NoError(t, err)
	root := filepath.Join(t.TempDir(), "root")
	cmd := exec.CommandContext(t.Context(), "mmdebstrap", "--mode=root", "--variant=essential", "--include=man-db", "bookworm", root, "-")
	cmd.Stdin = bytes.NewReader(source.Format(source.Offering(source.ApplyConf(sources, config), "bookworm")))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	requireFaithful(t, root)
}

const control = `package: Hello
Section: misc
Version: 1:2.0-1
Architecture: amd64
Maintainer: M <m@archive.example>
multi-arch: no
Essential: no
Depends: a(>=1)|b ,
 c:any ( < 2 )
Provides: hi(= 3),  ho
X-Extra: x
Conflicts: d
Installed-Size: 12
Description: says hello  
 Long text. 
 .
 More.
Tag: one::two,
 three::four
`

func TestUnpacked(t *testing.T) {
	t.Parallel()
	p, err := deb822.Parse(strings.Replace(control, "Hello", "hello", 1))
	require.NoError(t, err)
	e, err := dpkg.Unpacked(p, []dpkg.Conffile{{Path: "/etc/hello", Hash: "newconffile"}, {Path: "/etc/old", Hash: "newconffile", Remove: true}})
	require.NoError(t, err)
	require.Equal(t, `Package: hello
Status: install ok unpacked
Section: misc
Installed-Size: 12
Maintainer: M <m@archive.example>
Architecture: amd64
Version: 1:2.0-1
Provides: hi (= 3), ho
Depends: a (>= 1) | b, c:any (<= 2)
Conflicts: d
Conffiles:
 /etc/hello newconffile
 /etc/old newconffile remove-on-upgrade
Description: says hello`+"  "+`
 Long text.`+" "+`
 .
 More.
X-Extra: x
Tag: one::two,
 three::four
`, e.Text())
	require.Equal(t, "hello", e.InfoName())
	e.State, e.ConfigVersion, e.TriggersAwaited = "triggers-awaited", "1", []string{"man-db"}
	require.Contains(t, e.Text(), "Status: install ok triggers-awaited\n")
	require.Contains(t, e.Text(), "Config-Version: 1\n")
	require.Contains(t, e.Text(), "Triggers-Awaited: man-db\n")
}

// TestWrittenAsDpkgWrites lets dpkg unpack a package with that control file and compares.
func TestWrittenAsDpkgWrites(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("dpkg"), testenv.Tool("dpkg-deb"))
	src, root := t.TempDir(), t.TempDir()
	text := strings.ReplaceAll(control, "Hello", "hello")
	for name, content := range map[string]string{"DEBIAN/control": text, "DEBIAN/conffiles": "/etc/hello\n", "etc/hello": "x\n", "usr/share/a": "b\n"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(src, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(src, name), []byte(content), 0o644))
	}
	for _, dir := range []string{"info", "updates", "triggers"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, "var/lib/dpkg", dir), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o600))
	file := filepath.Join(t.TempDir(), "x.deb")
	out, err := exec.CommandContext(t.Context(), "dpkg-deb", "--root-owner-group", "-b", src, file).CombinedOutput()
	require.NoError(t, err, string(out))
	out, err = exec.CommandContext(t.Context(), "dpkg", "--root="+root, "--log=/dev/null", "--force-depends", "--force-architecture", "--unpack", file).CombinedOutput()
	require.NoError(t, err, string(out))
	p, err := deb822.Parse(text)
	require.NoError(t, err)
	e, err := dpkg.Unpacked(p, []dpkg.Conffile{{Path: "/etc/hello", Hash: "newconffile"}})
	require.NoError(t, err)
	require.Equal(t, read(t, root, "status"), e.Text()+"\n")
}

func TestDatabaseRefuses(t *testing.T) {
	t.Parallel()
	_, err := dpkg.OpenDatabase(fstest.MapFS{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	db, err := dpkg.OpenDatabase(fstest.MapFS{
		"var/lib/dpkg/status": file(""), "var/lib/dpkg/diversions": file("/a\n/b\n"), "var/lib/dpkg/statoverride": file("root root 9 /x\n"),
		"var/lib/dpkg/triggers/File": file("x\n"), "var/lib/dpkg/triggers/Unincorp": file("x\n"), "var/lib/dpkg/alternatives/x": file("auto\n/x\n"),
		"var/lib/dpkg/info/p.list": file("/a"), "var/lib/dpkg/info/p.md5sums": file("x  y\n"),
	})
	require.NoError(t, err)
	_, err = db.Diversions()
	require.ErrorContains(t, err, "2 lines are not three")
	_, err = db.Overrides()
	require.ErrorContains(t, err, "no mode of /x")
	_, err = db.FileInterests()
	require.ErrorContains(t, err, "not a path and a package")
	_, err = db.Unincorporated()
	require.ErrorContains(t, err, "not a trigger and packages")
	_, err = db.Alternatives()
	require.ErrorContains(t, err, "slaves is not ended")
	_, err = db.Interests("../x")
	require.ErrorContains(t, err, "no explicit trigger")
	_, err = db.Files(dpkg.Entry{Name: "p"})
	require.ErrorContains(t, err, "line 1")
	_, err = db.Digests(dpkg.Entry{Name: "p"})
	require.ErrorContains(t, err, "not a hash")
}

func TestAddInterest(t *testing.T) {
	t.Parallel()
	list := dpkg.AddInterest(nil, dpkg.Interest{Trigger: "/a", Package: "x"})
	list = dpkg.AddInterest(list, dpkg.Interest{Trigger: "/a", Package: "y"})
	list = dpkg.AddInterest(list, dpkg.Interest{Trigger: "/a", Package: "x", NoAwait: true})
	require.Equal(t, "/a x/noawait\n/a y\n", string(dpkg.FormatFileInterests(list)))
	list = dpkg.AddInterest(nil, dpkg.Interest{Trigger: "a", Package: "x"})
	list = dpkg.AddInterest(list, dpkg.Interest{Trigger: "a", Package: "y"})
	list = dpkg.AddInterest(list, dpkg.Interest{Trigger: "a", Package: "x", NoAwait: true})
	require.Equal(t, "y\nx/noawait\n", string(dpkg.FormatInterests(list)))
}

// FuzzDatabase writes again whatever it could read.
func FuzzDatabase(f *testing.F) {
	f.Add("/a\n/b\np\n")
	f.Add("root #5 4755 /x y\n")
	f.Add("/usr/share p:amd64/noawait\n")
	f.Add("auto\n/x\ns\n/s\n\n/c\n-5\n\n/d\n50\n/e\n\n")
	f.Add(status)
	f.Fuzz(func(t *testing.T, text string) {
		if list, err := dpkg.ParseDiversions([]byte(text)); err == nil {
			require.Equal(t, text, string(dpkg.FormatDiversions(list)))
		}
		if list, err := dpkg.ParseFileInterests([]byte(text)); err == nil {
			require.Equal(t, text, string(dpkg.FormatFileInterests(list)))
		}
		if list, err := dpkg.ParseDigests([]byte(text)); err == nil {
			require.Equal(t, text, string(dpkg.FormatDigests(list)))
		}
		if list, err := dpkg.ParseOverrides([]byte(text)); err == nil {
			again, err := dpkg.ParseOverrides(dpkg.FormatOverrides(list))
			require.NoError(t, err)
			require.Equal(t, list, again)
		}
		if list, err := dpkg.ParseActivations([]byte(text)); err == nil {
			again, err := dpkg.ParseActivations(dpkg.FormatActivations(list))
			require.NoError(t, err)
			require.Equal(t, list, again)
		}
		if a, err := dpkg.ParseAlternative("x", []byte(text)); err == nil {
			again, err := dpkg.ParseAlternative("x", a.Format())
			require.NoError(t, err)
			require.Equal(t, a, again)
		}
		entries, err := dpkg.ReadStatus(strings.NewReader(text))
		if err != nil {
			return
		}
		var out, twice bytes.Buffer
		require.NoError(t, dpkg.WriteStatus(&out, entries))
		entries, err = dpkg.ReadStatus(&out)
		if err != nil {
			return // an odd field that dpkg would refuse
		}
		require.NoError(t, dpkg.WriteStatus(&twice, entries))
	})
}
