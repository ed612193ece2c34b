package deploy_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func TestOpenWhatIsNoSysroot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var not *deploy.NotSysrootError
	_, err := deploy.Open(dir, deploy.Options{})
	require.ErrorAs(t, err, &not)
	require.Equal(t, "ostree/deploy", not.Missing)
	require.ErrorContains(t, err, "init-fs "+dir)

	require.NoError(t, os.MkdirAll(dir+"/ostree/deploy", 0o755))
	_, err = deploy.Open(dir, deploy.Options{})
	require.ErrorAs(t, err, &not)
	require.Equal(t, "ostree/repo", not.Missing)

	require.NoError(t, os.Mkdir(dir+"/ostree/repo", 0o755))
	_, err = deploy.Open(dir, deploy.Options{})
	require.ErrorContains(t, err, "not a repository")

	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = deploy.Open(file, deploy.Options{})
	require.ErrorAs(t, err, &not)
}

func TestInitIsRepeatable(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new/sysroot")
	for range 2 {
		s, err := deploy.Init(dir, deploy.InitOptions{Mode: ostree.ModeBareUserOnly, Options: deploy.Options{RunDir: dir}})
		require.NoError(t, err)
		require.Equal(t, dir, s.Path())
		require.NoError(t, s.Close())
	}
	info, err := os.Stat(dir + "/tmp")
	require.NoError(t, err)
	require.Equal(t, os.ModeDir|os.ModeSticky|0o777, info.Mode())
	modern := filepath.Join(t.TempDir(), "modern")
	s, err := deploy.Init(modern, deploy.InitOptions{Modern: true, Mode: ostree.ModeBareUserOnly})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoDirExists(t, modern+"/proc")
}

func TestInitStateroot(t *testing.T) {
	t.Parallel()
	s, err := deploy.Init(t.TempDir(), deploy.InitOptions{Mode: ostree.ModeBareUserOnly, Options: deploy.Options{RunDir: "/nonexistent"}})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	require.NoError(t, s.InitStateroot(t.Context(), "debian-12"))
	require.ErrorIs(t, s.InitStateroot(t.Context(), "debian-12"), os.ErrExist)
	for _, bad := range []string{"", ".", "..", "a/b", "a b", "-x", "a\n"} {
		require.ErrorContains(t, s.InitStateroot(t.Context(), bad), "not a usable name", "%q", bad)
	}
	names, err := s.Stateroots()
	require.NoError(t, err)
	require.Equal(t, []string{"debian-12"}, names)
}

func TestWhichStateroot(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	c := commit(t, s, "1", nil)
	mustDeploy(t, s, c, deploy.DeployOptions{}) // There is only one.
	require.NoError(t, s.InitStateroot(t.Context(), "second"))
	var which *deploy.StaterootError
	_, err := s.Deploy(t.Context(), c, nil, deploy.DeployOptions{})
	require.ErrorAs(t, err, &which)
	require.ErrorContains(t, err, `say which one of ["os" "second"]`)
	_, err = s.Deploy(t.Context(), c, nil, deploy.DeployOptions{Stateroot: "third"})
	require.ErrorContains(t, err, `no stateroot "third"`)
	require.ErrorContains(t, err, "os-init third")
	d := mustDeploy(t, s, c, deploy.DeployOptions{Stateroot: "second"})
	require.Equal(t, "second", d.Stateroot)
	require.Contains(t, entries(t, s.Path())[entryName(t, 2, "second")], "title Test OS 1 (ostree:second:0)")

	empty, err := deploy.Init(filepath.Join(tempDir(t), "s"), deploy.InitOptions{Options: options(t)})
	require.NoError(t, err)
	defer func() { require.NoError(t, empty.Close()) }()
	_, err = empty.Deploy(t.Context(), c, nil, deploy.DeployOptions{})
	require.ErrorContains(t, err, "has no stateroot yet")
}

func entryName(t *testing.T, version int, stateroot string) string {
	t.Helper()
	if toolEntryNames(t) == deploy.NamesShort {
		stateroot = ""
	}
	return bootName(version, stateroot)
}

func TestDamagedSysroot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage func(root, deployment string) error
		want   string
	}{
		"origin": {func(_, d string) error { return os.WriteFile(d+".origin", []byte("rubbish\n"), 0o644) }, ".origin is damaged: line 1"},
		"loader is a directory": {func(root, _ string) error {
			return rename(root+"/boot/loader", root+"/boot/x", func() error { return os.Mkdir(root+"/boot/loader", 0o755) })
		}, "boot/loader is a directory, made by another tool"},
		"loader points elsewhere": {func(root, _ string) error {
			return rename(root+"/boot/loader", root+"/boot/x", func() error { return os.Symlink("loader.7", root+"/boot/loader") })
		}, `it points to "loader.7"`},
		"link farm": {func(root, _ string) error {
			return rename(root+"/ostree/boot.1", root+"/ostree/x", func() error { return os.Symlink("boot.0.0", root+"/ostree/boot.1") })
		}, `it points to "boot.0.0"`},
		"entry without a valid link": {func(root, _ string) error {
			return editEntry(root, "linux /x\noptions ostree=/ostree/boot.1/../../0\n")
		}, "is not /ostree/boot.VERSION/STATEROOT/BOOTCHECKSUM/SERIAL"},
		"deployment is gone": {func(_, d string) error {
			return os.WriteFile(d+".moved", nil, 0o644)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSysrootWith(t, mutable(t))
			d := mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
			require.NoError(t, c.damage(s.Path(), d.Path))
			_, err := s.Deployments(t.Context())
			if c.want == "" {
				require.NoError(t, err)
				require.NoError(t, os.Rename(d.Path, d.Path+".x"))
				_, err = s.Deployments(t.Context())
				require.ErrorIs(t, err, os.ErrNotExist)
				require.ErrorContains(t, err, "boot entry")
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

func mutable(t *testing.T) deploy.Options {
	opts := options(t)
	opts.Mutable = true
	return opts
}

func rename(from, to string, then func() error) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return then()
}

func editEntry(root, text string) error {
	files, err := filepath.Glob(root + "/boot/loader/entries/*.conf")
	if err != nil {
		return err
	}
	return os.WriteFile(files[0], []byte(text), 0o644)
}

func TestForeignEntriesAreLeftAlone(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	dir := s.Path() + "/boot/loader/entries/"
	require.NoError(t, os.WriteFile(dir+"windows.conf", []byte("title W\n"), 0o644))
	require.NoError(t, os.WriteFile(dir+"ostree-7.conf", []byte("title no deployment\noptions quiet\n"), 0o644))
	require.Len(t, deployments(t, s), 1)
}

func TestUndeployableCommits(t *testing.T) {
	t.Parallel()
	const modules = "usr/lib/modules/6.1.0/"
	for name, c := range map[string]struct {
		changes tree
		want    string
	}{
		"no kernel":         {tree{modules + "vmlinuz": "-", modules + "initramfs.img": "-"}, "it has no kernel"},
		"only an initramfs": {tree{modules + "vmlinuz": "-"}, "it has no kernel"},
		"two kernels":       {tree{"usr/lib/modules/6.2.0/vmlinuz": "k"}, "it has 2 kernels (6.1.0, 6.2.0)"},
		"etc twice":         {tree{"etc/x": "x"}, "both /etc and /usr/etc"},
		"no os-release":     {tree{"usr/lib/os-release": "-"}, "/usr/lib/os-release is missing"},
		"no name":           {tree{"usr/lib/os-release": "VERSION=1\n"}, "neither PRETTY_NAME nor ID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSysroot(t)
			before := layout(t, s.Path()+"/ostree/deploy")
			_, err := s.Deploy(t.Context(), commit(t, s, "1", c.changes), nil, deploy.DeployOptions{})
			var cannot *deploy.UndeployableError
			require.ErrorAs(t, err, &cannot)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, before, layout(t, s.Path()+"/ostree/deploy"))
		})
	}
}

func TestMissingAndPartialCommits(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	_, err := s.Deploy(t.Context(), ostree.Checksum{1}, nil, deploy.DeployOptions{})
	require.ErrorIs(t, err, ostree.ErrObjectNotFound)
	c := commit(t, s, "1", nil)
	require.NoError(t, os.WriteFile(s.Repo().Path()+"/state/"+c.String()+".commitpartial", nil, 0o644))
	_, err = s.Deploy(t.Context(), c, nil, deploy.DeployOptions{})
	require.ErrorContains(t, err, "not pulled completely")
}

func TestLegacyEtcBecomesUsrEtc(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	c := commit(t, s, "1", tree{"usr/etc/a.conf": "-", "usr/etc/d/b.conf": "-", "etc/a.conf": "default"})
	d := mustDeploy(t, s, c, deploy.DeployOptions{})
	require.FileExists(t, d.Path+"/usr/etc/a.conf")
	require.FileExists(t, d.Path+"/etc/a.conf")
	require.NoError(t, os.WriteFile(d.Path+"/etc/a.conf", []byte("mine"), 0o644))
	d = mustDeploy(t, s, c, deploy.DeployOptions{})
	data, err := os.ReadFile(d.Path + "/etc/a.conf")
	require.NoError(t, err)
	require.Equal(t, "mine", string(data))
}

func TestEmptyEtcBesideUsrEtc(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	d := mustDeploy(t, s, commit(t, s, "1", tree{"etc/": ""}), deploy.DeployOptions{})
	require.FileExists(t, d.Path+"/etc/a.conf")
	requireAgreement(t, s)
}

func TestBootloaderTakesPart(t *testing.T) {
	t.Parallel()
	opts := options(t)
	recorder := new(recordingLoader)
	opts.Bootloader = recorder
	s := newSysrootWith(t, opts)
	d := mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	require.Equal(t, []string{"write 1 entries for loader.1", "finish 1 entries for loader.1"}, recorder.calls)
	require.Equal(t, d.Path, recorder.last.Default)
	require.Equal(t, "Test OS 1 (ostree:0)", recorder.last.Entries[0].Get("title"))
}

func TestOriginOfNothing(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	d, err := s.Deploy(t.Context(), commit(t, s, "1", nil), nil, deploy.DeployOptions{})
	require.NoError(t, err)
	require.Nil(t, d.Origin)
	requireAgreement(t, s)
	require.NoError(t, s.SetOrigin(t.Context(), *d, origin.New("later")))
	require.Equal(t, "later", deployments(t, s)[0].Origin.Refspec)
	requireAgreement(t, s)
}

var _ bootloader.Bootloader = (*recordingLoader)(nil)
