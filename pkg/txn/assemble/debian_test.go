package assemble_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// release is what the integration tests build.
const release = "bookworm"

// machineSources are the sources of this machine that offer the release, in deb822 format.
func machineSources() ([]byte, error) {
	config, err := conf.Load("/")
	if err != nil {
		return nil, err
	}
	all, err := source.Load("/")
	if err != nil {
		return nil, err
	}
	found := source.Offering(source.ApplyConf(all, config), release)
	if len(found) == 0 {
		return nil, fmt.Errorf("no APT source of this machine offers %s", release)
	}
	return source.Format(found), nil
}

// A set is packages with their files.
type set struct {
	packages []*apt.Package
	debs     map[*apt.Package]string
}

// aptDir is an APT of its own, with nothing installed, shared by all tests.
var aptDir = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "assemble-apt-")
	if err != nil {
		return "", err
	}
	for _, sub := range []string{"etc/apt.conf.d", "etc/preferences.d", "etc/sources.list.d", "lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return dir, err
		}
	}
	options := fmt.Sprintf(`Dir::Etc "%[1]s/etc"; Dir::State "%[1]s"; Dir::Cache "%[1]s/cache"; Dir::State::status "%[1]s/status";
APT::Architecture "amd64"; APT::Architectures { "amd64"; }; APT::Install-Recommends "false"; Acquire::Languages "none";
APT::Sandbox::User "root"; pkgCacheGen::ForceEssential ",";
`, dir)
	sources, err := machineSources()
	if err != nil {
		return dir, err
	}
	for name, text := range map[string]string{"apt.conf": options, "etc/sources.list.d/machine.sources": string(sources), "status": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return dir, err
		}
	}
	return dir, aptGet(context.Background(), dir, "update")
})

func aptGet(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-qq", "-y"}, args...)...)
	cmd.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(dir, "apt.conf"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

func TestMain(m *testing.M) {
	code := m.Run()
	if os.Getenv("APT_OSTREE_INTEGRATION") == "1" && os.Getenv("ASSEMBLE_CHILD") == "" {
		if dir, err := aptDir(); err == nil {
			_ = os.RemoveAll(dir) // a temporary directory
		}
		_ = os.RemoveAll(theBase.path)
	}
	os.Exit(code)
}

// debianSet downloads what apt would install on an empty system.
func debianSet(t *testing.T, requests ...string) set {
	t.Helper()
	dir, err := aptDir()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "apt-get", append([]string{"install", "-y", "-qq", "--print-uris", "-o", "Dir::Cache::archives=none", "?essential"}, requests...)...)
	cmd.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(dir, "apt.conf"))
	out, err := cmd.Output()
	require.NoError(t, err)
	require.NoError(t, aptGet(t.Context(), dir, append([]string{"install", "--download-only", "?essential"}, requests...)...))
	s := set{debs: map[*apt.Package]string{}}
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasSuffix(fields[1], ".deb") {
			s.add(t, filepath.Join(dir, "cache", "archives", fields[1]))
		}
	}
	return s
}

// add reads a .deb into the set.
func (s *set) add(t *testing.T, file string) *apt.Package {
	t.Helper()
	r, err := deb.Open(file, deb.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	control, err := r.Control()
	require.NoError(t, err)
	paragraph, err := deb822.NewReader(strings.NewReader(string(control.Paragraph())), deb822.Options{}).Next()
	require.NoError(t, err)
	p, err := apt.ParsePackage(paragraph)
	require.NoError(t, err)
	s.packages = append(s.packages, p)
	if s.debs == nil {
		s.debs = map[*apt.Package]string{}
	}
	s.debs[p] = file
	return p
}

func (s *set) batches(t *testing.T, installed ...*apt.Package) []solve.Batch {
	t.Helper()
	batches, err := solve.Batches(t.Context(), s.packages, installed)
	require.NoError(t, err)
	return batches
}
