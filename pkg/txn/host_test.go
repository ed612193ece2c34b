package txn_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// ref is what the hosts follow.
const ref = "test/stable"

// host is a small system: a sysroot with commits that hold just enough to be deployed and layered
// upon, whose APT sources are an archive of its own.
type host struct {
	*txn.System
	t       *testing.T
	path    string
	sysroot *deploy.Sysroot // of another process, so to speak
	running deploy.Options  // once something of it runs
	archive *apttest.Archive
	now     time.Time
	kernel  string // of the base, "" for none
}

// newHost makes a host with nothing deployed.
func newHost(t *testing.T) *host {
	t.Helper()
	testenv.Need(t, testenv.Root)
	h := &host{t: t, path: filepath.Join(memoryDir(t), "sysroot"), now: time.Now()}
	var err error
	h.sysroot, err = deploy.Init(h.path, deploy.InitOptions{Options: deploy.Options{NoSync: true}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.sysroot.Close()) })
	require.NoError(t, h.sysroot.InitStateroot(t.Context(), "debian"))
	h.archive = apttest.New(t, apttest.Options{Architectures: []string{"amd64", "i386"}})
	h.archive.Add(
		apttest.Deb{Package: "tool", Depends: "libtool"}, apttest.Deb{Package: "libtool"}, apttest.Deb{Package: "other"},
		apttest.Deb{Package: "exim", Provides: "mta"}, apttest.Deb{Package: "rival", Conflicts: "tool"},
		apttest.Deb{Package: "base-tool", Version: "2.0"}, apttest.Deb{Package: "needs-new", Depends: "base-tool (>= 2)"},
		apttest.Deb{Package: "needs-newer", Depends: "base-tool (>= 99)"},
		apttest.Deb{Package: "wine", Architecture: "i386"},
	)
	h.archive.Publish()
	h.System = h.open(txn.Options{})
	return h
}

// memoryDir is a temporary directory for sysroots, whose deployments are immutable. It is in memory
// if it can be, since everything is synced.
func memoryDir(t *testing.T) string {
	t.Helper()
	parent := ""
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		parent = "/dev/shm"
	}
	dir, err := os.MkdirTemp(parent, "txn-test-") //nolint:usetesting // t.TempDir cannot remove immutable files
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, fsx.RemoveAll(dir)) })
	return dir
}

// open opens another handle.
func (h *host) open(opts txn.Options) *txn.System {
	h.t.Helper()
	opts.Architecture = "amd64"
	opts.Clock = func() time.Time { return h.now }
	s, err := txn.Open(h.t.Context(), h.path, opts)
	require.NoError(h.t, err)
	h.t.Cleanup(func() { require.NoError(h.t, s.Close()) })
	return s
}

// deployed makes a host with commits of versions 1, 2 and 3 on its ref, of which one is deployed. They
// have refs of their own too: what no ref leads to is pruned.
func deployed(t *testing.T, version string) (*host, map[string]ostree.Checksum) {
	t.Helper()
	h := newHost(t)
	commits := map[string]ostree.Checksum{}
	for _, v := range []string{"1", "2", "3"} {
		commits[v] = h.commit(ref, v)
		require.NoError(t, h.Repo().Update(t.Context(), func(w *ostree.Writer) error {
			return w.SetRef(ostree.Refspec{Ref: "kept/" + v}, commits[v])
		}))
		if v == version {
			h.apply(txn.Change{Deploy: ref})
		}
	}
	return h, commits
}

// tree is what a version of the base has.
func (h *host) tree(version string) ostreetest.Tree {
	return ostreetest.Tree{
		"usr/lib/modules/6.1.0/vmlinuz":           ostreetest.File("kernel"),
		"usr/lib/modules/6.1.0/initramfs.img":     ostreetest.File("initramfs"),
		"usr/lib/os-release":                      ostreetest.File("ID=debian\nPRETTY_NAME=\"Test " + version + "\"\n"),
		"usr/etc/apt/sources.list.d/test.sources": ostreetest.File(string(source.Format([]source.Source{h.archive.Source()}))),
		"usr/lib/sysimage/dpkg/status":            ostreetest.File(status(append(basePackages(version), kernelPackages(h.kernel)...)...)),
		"usr/lib/sysimage/dpkg/arch":              ostreetest.File("amd64\ni386\n"),
		"usr/share/version":                       ostreetest.File(version),
		"var":                                     ostreetest.Dir(), "sysroot": ostreetest.Dir(), "ostree": ostreetest.Link("sysroot/ostree"),
	}
}

// basePackages are the packages of a version of the base; old-tool is in the first one only.
func basePackages(version string) []string {
	list := []string{"base-tool " + version + ".0", "extra 1.0", "uses-extra 1.0", "vital 1.0"}
	if version == "1" {
		list = append(list, "old-tool 1.0")
	}
	return list
}

// kernelPackages are a kernel of a version and what follows it.
func kernelPackages(version string) []string {
	if version == "" {
		return nil
	}
	return []string{"linux-image-" + version + "-test 1.0", "linux-image-test 1.0"}
}

// status is a dpkg status file of packages given as "NAME VERSION".
func status(packages ...string) string {
	var b strings.Builder
	for _, p := range packages {
		name, version, _ := strings.Cut(p, " ")
		if name == "exim" {
			b.WriteString("Provides: mta\n")
		}
		if name == "linux-image-test" {
			b.WriteString("Depends: linux-image-1-test\n")
		}
		if name == "uses-extra" {
			b.WriteString("Depends: extra\n")
		}
		if name == "vital" {
			b.WriteString("Essential: yes\n")
		}
		b.WriteString("Package: " + name + "\nStatus: install ok installed\nMaintainer: nobody\nArchitecture: all\nVersion: " + version + "\nDescription: test\n\n")
	}
	return b.String()
}

// commit writes a version of the base to a ref. Versions are days.
func (h *host) commit(ref, version string) ostree.Checksum {
	h.t.Helper()
	return h.commitTo(h.Repo(), ref, version)
}

// commitTo writes to another repository.
func (h *host) commitTo(repo *ostree.Repo, ref, version string) ostree.Checksum {
	h.t.Helper()
	commit := commitAt(h, version)
	var parent ostree.Checksum
	if c, err := repo.Resolve(h.t.Context(), ref); err == nil {
		parent = c
	}
	commit.Parent = parent
	return h.writeTo(repo, ref, h.tree(version), commit)
}

// commitAt is a commit of a version, made on the day of that number.
func commitAt(h *host, version string) ostree.Commit {
	h.t.Helper()
	day, err := time.ParseDuration(version + "h")
	require.NoError(h.t, err)
	return ostree.Commit{
		Timestamp: ostreetest.Timestamp().Add(24 * day),
		Metadata:  ostree.Metadata{{Key: ostree.MetadataVersion, Value: gvariant.String(version)}},
	}
}

func (h *host) write(ref string, tree ostreetest.Tree, commit ostree.Commit) ostree.Checksum {
	h.t.Helper()
	return h.writeTo(h.Repo(), ref, tree, commit)
}

func (h *host) writeTo(repo *ostree.Repo, ref string, tree ostreetest.Tree, commit ostree.Commit) ostree.Checksum {
	h.t.Helper()
	var c ostree.Checksum
	require.NoError(h.t, repo.Update(h.t.Context(), func(w *ostree.Writer) error {
		built, err := ostreetest.Build(h.t.Context(), w, tree)
		if err != nil {
			return err
		}
		if commit.Tree, err = w.WriteTree(h.t.Context(), built); err != nil {
			return err
		}
		if c, err = w.WriteCommit(h.t.Context(), commit); err != nil || ref == "" {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: ref}, c)
	}))
	return c
}

// layer deploys packages, see fake.
func (h *host) layer(requests ...string) *txn.Plan {
	h.t.Helper()
	return h.fake(txn.Change{Install: requests})
}

// fake deploys what assembling the plan of a change would have made: assembling itself needs a real
// system and is tested elsewhere.
func (h *host) fake(change txn.Change) *txn.Plan {
	h.t.Helper()
	p := h.plan(change)
	var installed []string
	for _, pkg := range basePackages(p.BaseVersion) {
		name, _, _ := strings.Cut(pkg, " ")
		for _, r := range p.Replaced {
			if r.From.Name == name {
				pkg = name + " " + r.To.Version
			}
		}
		if !slices.ContainsFunc(p.Removed, func(r txn.PackageRef) bool { return r.Name == name }) {
			installed = append(installed, pkg)
		}
	}
	sums := h.keep(p)
	for _, pkg := range p.Packages {
		installed = append(installed, pkg.Name+" "+pkg.Version)
	}
	c := h.write("", h.tree(p.BaseVersion).With(ostreetest.Tree{
		"usr/lib/sysimage/dpkg/status": ostreetest.File(status(installed...)),
	}), ostree.Commit{Parent: p.Base, Timestamp: h.now, Metadata: ostree.Metadata{
		{Key: ostree.MetadataVersion, Value: gvariant.String(p.BaseVersion)},
		{Key: "apt-ostree.clientlayer", Value: gvariant.Bool(true)},
		{Key: "apt-ostree.packages", Value: gvariant.Strings(active(p))},
		{Key: "apt-ostree.state-sha256", Value: gvariant.String(p.Digest)},
		{Key: "apt-ostree.removed-base-packages", Value: txn.RemovedValue(p.Removed)},
		{Key: "apt-ostree.replaced-base-packages", Value: txn.ReplacedValue(p.Replaced)},
		{Key: "apt-ostree.debs", Value: gvariant.Strings(sums)},
	}})
	_, err := h.sysroot.Deploy(h.t.Context(), c, txn.PlannedOrigin(p), deploy.DeployOptions{Stateroot: "debian"})
	require.NoError(h.t, err)
	return p
}

// keep stores the packages of a plan as Apply does, and returns their digests.
func (h *host) keep(p *txn.Plan) []string {
	h.t.Helper()
	debs, err := txn.Fetch(h.t.Context(), h.System, p)
	require.NoError(h.t, err)
	return debs
}

func active(p *txn.Plan) []string {
	return slices.DeleteFunc(slices.Clone(p.Requested), func(r string) bool { return p.Inactive[r] != "" })
}

func (h *host) plan(c txn.Change) *txn.Plan {
	h.t.Helper()
	p, err := h.Plan(h.t.Context(), c)
	require.NoError(h.t, err)
	return p
}

func (h *host) planError(c txn.Change) error {
	h.t.Helper()
	_, err := h.Plan(h.t.Context(), c)
	require.Error(h.t, err, "%+v", c)
	return err
}

// apply plans and applies.
func (h *host) apply(c txn.Change) *deploy.Deployment {
	h.t.Helper()
	d, err := h.Apply(h.t.Context(), h.plan(c), txn.ApplyOptions{})
	require.NoError(h.t, err)
	return d
}

// deployments lists the versions of what is deployed.
func (h *host) deployments() []string {
	h.t.Helper()
	list, err := h.sysroot.Deployments(context.WithoutCancel(h.t.Context()))
	require.NoError(h.t, err)
	out := []string{}
	for _, d := range list {
		out = append(out, d.Version)
	}
	return out
}

// originFile is the file beside the default deployment.
func (h *host) originFile() string {
	h.t.Helper()
	list, err := h.sysroot.Deployments(h.t.Context())
	require.NoError(h.t, err)
	return list[0].Path + ".origin"
}

func names(p *txn.Plan) []string {
	out := []string{}
	for _, pkg := range p.Packages {
		out = append(out, pkg.Name)
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
