package apt_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// aptRoot makes directories for the machine's APT, with sources and more configuration, and returns the
// file for APT_CONFIG.
func aptRoot(t *testing.T, sources []source.Source, config string) string {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"etc/apt/sources.list.d", "etc/apt/trusted.gpg.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, sub), 0o755))
	}
	config = fmt.Sprintf(`Dir "%s"; Dir::State::status "%[1]s/var/lib/dpkg/status"; APT::Architecture "amd64"; APT::Architectures { "amd64"; };
APT::Sandbox::User "root"; Acquire::Languages "none"; Acquire::Retries "0"; %s`, dir, config)
	for name, text := range map[string]string{
		"apt.conf": config, "var/lib/dpkg/status": "", "etc/apt/sources.list.d/a.sources": string(source.Format(sources)),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return filepath.Join(dir, "apt.conf")
}

func aptRun(t *testing.T, config, script string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	// The file in APT_CONFIG is read first, so that those of this machine are not.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "APT_CONFIG=" + config}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// avail runs "apt-get update" and returns the packages that APT then knows, as [names] does.
func avail(t *testing.T, config string) string {
	t.Helper()
	out := aptRun(t, config, "apt-get update; echo; apt-cache dumpavail")
	found := map[string]bool{}
	for paragraph := range strings.SplitSeq(out, "\n\n") {
		fields := map[string]string{}
		for line := range strings.Lines(paragraph) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			fields[name] = value
		}
		if fields["Package"] != "" {
			found[fields["Package"]+":"+fields["Architecture"]+"="+fields["Version"]] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(found)), " ")
}

// sorted is names in the order of avail.
func sorted(u *apt.Universe) string {
	list := strings.Fields(names(u))
	slices.Sort(list)
	return strings.Join(list, " ")
}

// TestUpdateLikeApt gives the same sources to apt-get update and to a client: both accept them and know the
// same packages, or both know none.
func TestUpdateLikeApt(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("apt-get"), testenv.Tool("gpgv"))
	packages := []apttest.Deb{hello, data, {Package: "hello", Architecture: "i386"}, {Package: "foreign", Architecture: "i386"}}
	other := apttest.NewKey(t, apttest.KeyOptions{})
	keyring := func(t *testing.T, name string, k *apttest.Key) source.SignedBy {
		return source.SignedBy{Keyrings: []string{k.Write(t, t.TempDir(), name)}}
	}
	for name, c := range map[string]struct {
		options apttest.Options
		change  func(*apttest.Archive)
		source  func(*testing.T, *apttest.Archive, *source.Source)
		foreign bool
		known   bool // apt knows packages
	}{
		"inline key":    {known: true},
		"path of a key": {source: func(t *testing.T, a *apttest.Archive, s *source.Source) { s.SignedBy = keyring(t, "k.gpg", a.Key) }, known: true},
		"armoured path": {source: func(t *testing.T, a *apttest.Archive, s *source.Source) { s.SignedBy = keyring(t, "k.asc", a.Key) }, known: true},
		"another path":  {source: func(t *testing.T, _ *apttest.Archive, s *source.Source) { s.SignedBy = keyring(t, "k.gpg", other) }},
		"another key": {source: func(t *testing.T, _ *apttest.Archive, s *source.Source) {
			s.SignedBy = source.SignedBy{Key: other.Armored(t)}
		}},
		"two paths": {source: func(t *testing.T, a *apttest.Archive, s *source.Source) {
			s.SignedBy = keyring(t, "k.gpg", other)
			s.SignedBy.Keyrings = append(s.SignedBy.Keyrings, keyring(t, "l.gpg", a.Key).Keyrings...)
		}, known: true},
		"global key": {source: func(_ *testing.T, _ *apttest.Archive, s *source.Source) { s.SignedBy = source.SignedBy{} }, known: true},
		"global key by fingerprint": {source: func(_ *testing.T, a *apttest.Archive, s *source.Source) {
			s.SignedBy = source.SignedBy{Fingerprints: []string{a.Key.Fingerprint()}}
		}, known: true},
		"global key, exactly": {source: func(_ *testing.T, a *apttest.Archive, s *source.Source) {
			s.SignedBy = source.SignedBy{Fingerprints: []string{a.Key.Fingerprint() + "!"}}
		}, known: true},
		"global key, another fingerprint": {source: func(_ *testing.T, _ *apttest.Archive, s *source.Source) {
			s.SignedBy = source.SignedBy{Fingerprints: []string{other.Fingerprint()}}
		}},
		"fingerprint, no key": {source: func(_ *testing.T, a *apttest.Archive, s *source.Source) {
			s.SignedBy = source.SignedBy{Fingerprints: []string{a.Key.Fingerprint()}}
		}},
		"trusted, no key": {source: func(_ *testing.T, _ *apttest.Archive, s *source.Source) {
			s.SignedBy = source.SignedBy{}
			s.Trusted = new(true)
		}, known: true},
		"trusted unsigned": {change: func(a *apttest.Archive) { a.Unsigned = true }, source: func(_ *testing.T, _ *apttest.Archive, s *source.Source) { s.Trusted = new(true) }, known: true},
		"detached":         {change: func(a *apttest.Archive) { a.NoInRelease = true }, known: true},
		"flat":             {options: apttest.Options{Flat: true}, known: true},
		"copy":             {source: func(_ *testing.T, a *apttest.Archive, s *source.Source) { s.URIs = []string{"copy:" + a.Dir} }, known: true},
		"mirror": {source: func(t *testing.T, a *apttest.Archive, s *source.Source) {
			s.URIs = []string{"mirror+file:" + mirrorList(t, a.URL)}
		}, known: true},
		"forced by-hash": {source: func(_ *testing.T, _ *apttest.Archive, s *source.Source) { s.ByHash = source.ByHashForce }, known: true},
		"no by-hash":     {change: func(a *apttest.Archive) { a.Remove("dists/stable/main/binary-amd64/by-hash/SHA256/*") }, source: func(_ *testing.T, _ *apttest.Archive, s *source.Source) { s.ByHash = source.ByHashNo }, known: true},
		"expired":        {change: func(a *apttest.Archive) { a.ValidUntil = time.Now().Add(-time.Minute) }},
		"expired, checked not": {change: func(a *apttest.Archive) { a.ValidUntil = time.Now().Add(-time.Minute) },
			source: func(_ *testing.T, _ *apttest.Archive, s *source.Source) { s.CheckValidUntil = new(false) }, known: true},
		"old, valid for long": {change: func(a *apttest.Archive) { a.ValidUntil = time.Now().Add(-time.Minute) },
			source: func(_ *testing.T, _ *apttest.Archive, s *source.Source) { s.ValidUntilMin = new(time.Hour * 24) }, known: true},
		"old, valid for short": {source: func(_ *testing.T, _ *apttest.Archive, s *source.Source) { s.ValidUntilMax = new(time.Minute) }},
		"of the future":        {change: func(a *apttest.Archive) { a.Date = time.Now().Add(time.Hour) }},
		"future, allowed": {change: func(a *apttest.Archive) {
			a.Date = time.Now().Add(time.Hour)
			a.SignedAt = time.Now().Add(-time.Minute)
		},
			source: func(_ *testing.T, _ *apttest.Archive, s *source.Source) { s.DateMaxFuture = new(2 * time.Hour) }, known: true},
		"weak hashes": {change: func(a *apttest.Archive) { a.Hashes = []string{"MD5Sum", "SHA1"} }},
		"foreign":     {options: apttest.Options{Architectures: []string{"amd64", "i386"}}, foreign: true, known: true},
		"one of two":  {options: apttest.Options{Architectures: []string{"amd64", "i386"}}, source: func(_ *testing.T, _ *apttest.Archive, s *source.Source) { s.Architectures = []string{"i386"} }, foreign: true, known: true},
		"without one": {options: apttest.Options{Architectures: []string{"amd64", "i386"}}, source: func(_ *testing.T, _ *apttest.Archive, s *source.Source) { s.ArchitecturesRemove = []string{"i386"} }, foreign: true, known: true},
		"all apart":   {options: apttest.Options{SeparateAll: true}, known: true},
		"codename": {source: func(t *testing.T, a *apttest.Archive, s *source.Source) {
			require.NoError(t, os.Rename(a.Dir+"/dists/stable", a.Dir+"/dists/test"))
			s.Suites = []string{"test"}
		}, known: true},
		"no component":  {source: func(_ *testing.T, _ *apttest.Archive, s *source.Source) { s.Components = []string{"main", "contrib"} }, known: true},
		"gzip":          {options: apttest.Options{Compressions: []apttest.Compression{apttest.Gzip}}, known: true},
		"bad index":     {options: apttest.Options{NoByHash: true}, change: func(a *apttest.Archive) { a.Corrupt("dists/stable/main/binary-amd64/Packages*") }},
		"two signers":   {change: func(a *apttest.Archive) { a.Signers = []*apttest.Key{other, a.Key} }, known: true},
		"wrong signers": {change: func(a *apttest.Archive) { a.Signers = []*apttest.Key{other} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := apttest.New(t, c.options)
			a.Add(packages...)
			if c.options.Flat {
				// apt also lists packages that no configured architecture can use.
				a.Withdraw("hello", "1.0")
				a.Withdraw("foreign", "1.0")
			}
			s := a.Publish()
			if c.change != nil {
				c.change(a)
				if !strings.HasPrefix(name, "no by-hash") && name != "bad index" {
					s = a.Publish()
				}
			}
			if c.source != nil {
				c.source(t, a, &s)
			}
			config, foreign := "", []string(nil)
			if c.foreign {
				config, foreign = `APT::Architectures:: "i386";`, []string{"i386"}
			}
			config = aptRoot(t, []source.Source{s}, config)
			root := "/"
			if strings.HasPrefix(name, "global") {
				root = filepath.Dir(config)
				a.Key.Write(t, filepath.Join(root, "etc/apt/trusted.gpg.d"), "a.gpg")
			}
			theirs := avail(t, config)
			require.Equal(t, c.known, theirs != "", "apt knows %q", theirs)
			u, err := client(t, func(o *apt.ClientOptions) { o.ForeignArchitectures, o.Retries, o.Root = foreign, -1, root }).Update(t.Context(), []source.Source{s})
			if !c.known {
				require.Error(t, err)
				return
			}
			if name == "no component" {
				// apt only warns; an incomplete universe would give wrong answers.
				require.ErrorContains(t, err, "has no component")
				return
			}
			require.NoError(t, err)
			require.Equal(t, theirs, sorted(u))
		})
	}
}

func mirrorList(t *testing.T, uri string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "mirrors")
	require.NoError(t, os.WriteFile(file, []byte(uri+"\n"), 0o644))
	return file
}
