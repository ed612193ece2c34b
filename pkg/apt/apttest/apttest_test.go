package apttest_test

import (
	"crypto"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

var hello = apttest.Deb{
	Package: "hello", Version: "2:1.0-1", Architecture: "amd64", Depends: "libc6 (>= 2.36)", Source: "greetings (1.0)",
	Description: "greet\nA longer text.",
	Files: []apttest.File{
		{Path: "usr/bin/hello", Mode: 0o4755, Content: "#!/bin/sh\necho hello\n"},
		{Path: "usr/bin/hi", Link: "hello"},
		{Path: "usr/bin/hey", HardLink: "usr/bin/hello"},
		{Path: "etc/hello.conf", Content: "x\n"},
		{Path: "var/lib/hello", Dir: true, Mode: 0o700},
	},
	Scripts: map[string]string{"postinst": "echo configured"},
	Control: map[string]string{"triggers": "interest-noawait /usr/share/hello\n"},
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

func TestDpkgDebReadsDebs(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("dpkg-deb"))
	for _, c := range []apttest.Compression{apttest.XZ, apttest.Gzip, apttest.Zstd, apttest.None} {
		d := hello
		d.Compression = c
		path := d.Write(t, t.TempDir())
		require.Equal(t, "hello_1.0-1_amd64.deb", filepath.Base(path))
		if c == apttest.Zstd && !strings.Contains(run(t, "dpkg-deb", "--help"), "zstd") {
			continue // dpkg of Debian 12 does not know it
		}
		info := run(t, "dpkg-deb", "-I", path)
		for _, line := range []string{"Package: hello", "Version: 2:1.0-1", "conffiles", "triggers", "postinst", "md5sums", "  A longer text."} {
			require.Contains(t, info, line)
		}
		list := run(t, "dpkg-deb", "-c", path)
		for _, line := range []string{"-rwsr-xr-x root/root", "./usr/bin/hi -> hello", "hey link to ./usr/bin/hello", "drwx------", "./etc/hello.conf"} {
			require.Contains(t, list, line)
		}
	}
}

// aptUpdate runs "apt-get update" with a world of its own, and returns what that says and which
// packages are known afterwards.
func aptUpdate(t *testing.T, s source.Source) string {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"etc/apt/sources.list.d", "etc/apt/preferences.d", "etc/apt/apt.conf.d", "var/lib/apt/lists/partial", "var/cache/apt", "var/lib/dpkg"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, sub), 0o755))
	}
	config := fmt.Sprintf(`Dir "%s"; Dir::State::status "%[1]s/var/lib/dpkg/status"; APT::Architecture "amd64"; APT::Architectures { "amd64"; };
APT::Sandbox::User "root"; Acquire::Languages "none"; Acquire::Retries "0";`, dir)
	for name, text := range map[string]string{
		"apt.conf": config, "var/lib/dpkg/status": "", "etc/apt/sources.list.d/a.sources": string(source.Format([]source.Source{s})),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "apt-get update; apt-cache dumpavail")
	// The file in APT_CONFIG is read first, so that those of this machine are not.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "APT_CONFIG=" + filepath.Join(dir, "apt.conf")}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// TestAptGetAcceptsArchives keeps the fixture honest: apt takes what should be good and refuses what
// should be bad.
func TestAptGetAcceptsArchives(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("apt-get"), testenv.Tool("gpgv"))
	for name, c := range map[string]struct {
		options apttest.Options
		change  func(*apttest.Archive)
		file    bool
		refuses string
	}{
		"good":           {},
		"file":           {file: true},
		"flat":           {options: apttest.Options{Flat: true}},
		"all":            {options: apttest.Options{SeparateAll: true}},
		"zstd, no hash":  {options: apttest.Options{Compressions: []apttest.Compression{apttest.Zstd}, NoByHash: true}},
		"prefix":         {options: apttest.Options{ComponentPrefix: "updates/"}},
		"rsa":            {options: apttest.Options{Key: apttest.NewKey(t, apttest.KeyOptions{RSABits: 2048})}},
		"no InRelease":   {change: func(a *apttest.Archive) { a.NoInRelease = true }},
		"two signatures": {change: func(a *apttest.Archive) { a.Signers = []*apttest.Key{apttest.NewKey(t, apttest.KeyOptions{}), a.Key} }},
		"valid":          {change: func(a *apttest.Archive) { a.ValidUntil = time.Now().Add(time.Hour) }},
		"unsigned":       {change: func(a *apttest.Archive) { a.Unsigned = true }, refuses: "not signed"},
		"wrong key":      {change: func(a *apttest.Archive) { a.Signers = []*apttest.Key{apttest.NewKey(t, apttest.KeyOptions{})} }, refuses: "NO_PUBKEY"},
		"expired":        {change: func(a *apttest.Archive) { a.ValidUntil = time.Now().Add(-time.Minute) }, refuses: "expired"},
		"future":         {change: func(a *apttest.Archive) { a.Date = time.Now().Add(time.Hour) }, refuses: "not valid yet"},
		"weak":           {change: func(a *apttest.Archive) { a.Hashes = []string{"MD5Sum", "SHA1"} }, refuses: "weak"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := apttest.New(t, c.options)
			a.Add(hello, apttest.Deb{Package: "data"})
			if c.change != nil {
				c.change(a)
			}
			s := a.Publish()
			if c.file {
				s = a.FileSource()
			}
			out := aptUpdate(t, s)
			if c.refuses != "" {
				require.Contains(t, out, c.refuses)
				require.NotContains(t, out, "Package: hello", out)
				return
			}
			require.Contains(t, out, "Package: hello\n", out)
			require.Contains(t, out, "Package: data\n")
			require.NotContains(t, out, "\nE: ")
			require.NotContains(t, out, "\nW: ")
		})
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(hello)
	a.Publish()
	get := func(name string) (int, []byte, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL+name, nil)
		require.NoError(t, err)
		r.Header.Set("Range", "bytes=5-")
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return response.StatusCode, body, err
	}
	pool := a.PoolFile("hello")
	whole, err := os.ReadFile(filepath.Join(a.Dir, pool))
	require.NoError(t, err)

	a.Fault(apttest.Fault{Path: "hello*.deb", Times: 1, Status: 503, RetryAfter: "0"})
	a.Fault(apttest.Fault{Path: "hello*.deb", Times: 1, CutAfter: 10})
	a.Fault(apttest.Fault{Path: "*", Times: 1, Corrupt: true})
	a.Fault(apttest.Fault{Path: pool, Times: 1, IgnoreRange: true})
	status, _, _ := get(pool)
	require.Equal(t, 503, status)
	_, body, err := get(pool)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, whole[5:15], body)
	_, body, err = get(pool)
	require.NoError(t, err)
	require.NotEqual(t, whole[5:], body)
	status, body, _ = get(pool)
	require.Equal(t, 200, status)
	require.Equal(t, whole, body)
	status, body, _ = get(pool)
	require.Equal(t, 206, status)
	require.Equal(t, whole[5:], body)
	require.Len(t, a.Requests(), 5)
	require.Equal(t, apttest.Request{Path: pool, Range: "bytes=5-", Status: 206}, a.Requests()[4])

	a.Corrupt("dists/*/main/binary-amd64/Packages.xz")
	a.Withdraw("hello", "2:1.0-1")
	status, _, _ = get(pool)
	require.Equal(t, 404, status)
}

func TestKeys(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("gpgv"))
	k := apttest.NewKey(t, apttest.KeyOptions{Hash: crypto.SHA256})
	dir := t.TempDir()
	keyring := k.Write(t, dir, "k.gpg")
	message := filepath.Join(dir, "InRelease")
	require.NoError(t, os.WriteFile(message, apttest.ClearSign(t, "A: 1\n- dash\n", time.Now(), k), 0o644))
	require.Contains(t, run(t, "gpgv", "--keyring", keyring, message), k.Fingerprint())
	require.NoError(t, os.WriteFile(message, []byte("A: 1\n"), 0o644))
	require.NoError(t, os.WriteFile(message+".gpg", apttest.DetachSign(t, "A: 1\n", time.Now(), k), 0o644))
	run(t, "gpgv", "--keyring", keyring, message+".gpg", message)
}
