package busapi_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// ref is what the system follows.
const ref = "test/stable"

// newHost is a bus beside a small system: its sysroot has versions 1 and 2 of a base, of which 1 is deployed.
func newHost(t *testing.T) *bus {
	t.Helper()
	b := newBus(t)
	b.sysroot = newSysroot(t)
	b.commit("1")
	b.deploy(txn.Change{Deploy: ref})
	b.commit("2")
	return b
}

func newSysroot(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "sysroot-") //nolint:usetesting // t.TempDir cannot remove immutable files
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, fsx.RemoveAll(dir)) })
	path := filepath.Join(dir, "sysroot")
	sysroot, err := deploy.Init(path, deploy.InitOptions{Options: deploy.Options{NoSync: true}})
	require.NoError(t, err)
	require.NoError(t, sysroot.InitStateroot(t.Context(), "debian"))
	require.NoError(t, sysroot.Close())
	return path
}

func (b *bus) open() *txn.System {
	b.t.Helper()
	s, err := txn.Open(b.t.Context(), b.sysroot, txn.Options{Architecture: "amd64"})
	require.NoError(b.t, err)
	b.t.Cleanup(func() { require.NoError(b.t, s.Close()) })
	return s
}

// deploy changes the system in this process, as another program would.
func (b *bus) deploy(c txn.Change) {
	b.t.Helper()
	s := b.open()
	p, err := s.Plan(b.t.Context(), c)
	require.NoError(b.t, err)
	_, err = s.Apply(b.t.Context(), p, txn.ApplyOptions{})
	require.NoError(b.t, err)
}

// versions lists what is deployed.
func (b *bus) versions() []string {
	b.t.Helper()
	s, err := b.open().Status(b.t.Context())
	require.NoError(b.t, err)
	var out []string
	for _, d := range s.Deployments {
		out = append(out, d.Version)
	}
	return out
}

// commit writes a version of the base.
func (b *bus) commit(version string) {
	b.t.Helper()
	archive := apttest.New(b.t, apttest.Options{Architectures: []string{"amd64"}})
	archive.Add(apttest.Deb{Package: "tool", Depends: "libtool"}, apttest.Deb{Package: "libtool"}, apttest.Deb{Package: "mail", Provides: "mta"})
	archive.Publish()
	tree := ostreetest.Tree{
		"usr/lib/modules/6.1.0/vmlinuz":           ostreetest.File("kernel"),
		"usr/lib/modules/6.1.0/initramfs.img":     ostreetest.File("initramfs"),
		"usr/lib/os-release":                      ostreetest.File("ID=debian\nPRETTY_NAME=\"Test " + version + "\"\n"),
		"usr/etc/apt/sources.list.d/test.sources": ostreetest.File(string(source.Format([]source.Source{archive.Source()}))),
		"usr/lib/sysimage/dpkg/status": ostreetest.File("Package: base-tool\nStatus: install ok installed\nMaintainer: nobody\nArchitecture: all\nVersion: " +
			version + ".0\nDescription: test\n\n"),
		"usr/lib/sysimage/dpkg/arch": ostreetest.File("amd64\n"),
		"var":                        ostreetest.Dir(), "sysroot": ostreetest.Dir(), "ostree": ostreetest.Link("sysroot/ostree"),
	}
	hours, err := time.ParseDuration(version + "h")
	require.NoError(b.t, err)
	repo := b.open().Repo()
	parent, err := repo.Resolve(b.t.Context(), ref)
	if version == "1" {
		require.Error(b.t, err)
	}
	require.NoError(b.t, repo.Update(b.t.Context(), func(w *ostree.Writer) error {
		built, err := ostreetest.Build(b.t.Context(), w, tree)
		if err != nil {
			return err
		}
		c := ostree.Commit{
			Parent: parent, Timestamp: ostreetest.Timestamp().Add(24 * hours),
			Metadata: ostree.Metadata{{Key: ostree.MetadataVersion, Value: gvariant.String(version)}},
		}
		if c.Tree, err = w.WriteTree(b.t.Context(), built); err != nil {
			return err
		}
		sum, err := w.WriteCommit(b.t.Context(), c)
		if err != nil {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: ref}, sum)
	}))
}

// slowClient is an HTTP client whose requests wait until a file is gone; nil without a file.
func slowClient(gate string) *http.Client {
	if gate == "" {
		return nil
	}
	return &http.Client{Transport: gated{gate}}
}

type gated struct{ gate string }

func (g gated) RoundTrip(r *http.Request) (*http.Response, error) {
	for {
		if _, err := os.Stat(g.gate); err != nil {
			return http.DefaultTransport.RoundTrip(r)
		}
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}
