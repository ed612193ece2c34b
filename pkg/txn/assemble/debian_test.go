package assemble_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/test/peer"
)

// release is what the integration tests build.
const release = "bookworm"

// A set is packages with their files.
type set struct {
	packages []*apt.Package
	debs     map[*apt.Package]string
}

// debian is an APT of its own, with nothing installed, shared by all tests.
var debian = sync.OnceValues(func() (*peer.Apt, error) {
	dir, err := os.MkdirTemp("", "assemble-apt-")
	if err != nil {
		return nil, err
	}
	a, err := peer.NewApt(context.Background(), dir, release)
	if err != nil {
		return a, err
	}
	return a, a.Configure(`APT::Architecture "amd64"; APT::Architectures { "amd64"; }; APT::Install-Recommends "false"; pkgCacheGen::ForceEssential ",";`)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if os.Getenv("APT_OSTREE_INTEGRATION") == "1" && os.Getenv("ASSEMBLE_CHILD") == "" {
		if a, _ := debian(); a != nil {
			_ = os.RemoveAll(a.Dir) // a temporary directory
		}
		_ = os.RemoveAll(theBase.path)
	}
	os.Exit(code)
}

// debianSet downloads what apt would install on an empty system.
func debianSet(t *testing.T, requests ...string) set {
	t.Helper()
	a, err := debian()
	require.NoError(t, err)
	files, err := a.Download(t.Context(), append([]string{"?essential"}, requests...)...)
	require.NoError(t, err)
	s := set{debs: map[*apt.Package]string{}}
	for _, file := range files {
		s.add(t, file)
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
