package apttest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// FTPArchive is an archive that apt-ftparchive made: the peer of [Archive].
type FTPArchive struct {
	Dir string
	Key *Key
}

// ftpConfig makes indexes with all that apt-ftparchive can make.
const ftpConfig = `Dir { ArchiveDir "%[1]s"; CacheDir "%[1]s"; };
Default { Packages::Compress ". gzip xz"; Contents::Compress "gzip"; Translation::Compress "xz"; LongDescription "false"; };
TreeDefault { Directory "pool/$(SECTION)"; Translation "$(DIST)/$(SECTION)/i18n/Translation-en"; Contents "$(DIST)/$(SECTION)/Contents-$(ARCH)"; };
Tree "dists/stable" { Sections "main"; Architectures "amd64 i386"; };
APT::FTPArchive::Release { Suite "stable"; Codename "test"; Components "main"; Architectures "amd64 i386"; Acquire-By-Hash "yes"; };
APT::FTPArchive::DoByHash "true";
`

// NewFTPArchive lets apt-ftparchive make an archive of packages, with the suite stable, the component main,
// and the architectures amd64 and i386, and signs it.
func NewFTPArchive(t testing.TB, debs ...Deb) *FTPArchive {
	t.Helper()
	a := &FTPArchive{Dir: t.TempDir(), Key: NewKey(t, KeyOptions{})}
	for _, dir := range []string{"pool/main", "dists/stable/main/i18n", "dists/stable/main/binary-amd64", "dists/stable/main/binary-i386"} {
		require.NoError(t, os.MkdirAll(filepath.Join(a.Dir, dir), 0o755))
	}
	for _, d := range debs {
		d.Write(t, filepath.Join(a.Dir, "pool/main"))
	}
	config := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, ftpConfig, a.Dir), 0o644))
	a.run(t, "generate", config)
	release := a.run(t, "-c", config, "release", "dists/stable")
	base := filepath.Join(a.Dir, "dists/stable")
	now := time.Now()
	require.NoError(t, os.WriteFile(filepath.Join(base, "InRelease"), ClearSign(t, release, now, a.Key), 0o644))
	return a
}

func (a *FTPArchive) run(t testing.TB, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "apt-ftparchive", args...)
	cmd.Dir = a.Dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "apt-ftparchive %s: %s", strings.Join(args, " "), &stderr)
	return string(out)
}

// Source returns the entry for the archive, with its key.
func (a *FTPArchive) Source(t testing.TB) source.Source {
	t.Helper()
	return source.Source{
		Types: []string{"deb"}, URIs: []string{"file:" + a.Dir + "/"}, Suites: []string{"stable"}, Components: []string{"main"},
		SignedBy: source.SignedBy{Key: a.Key.Armored(t)},
	}
}
