package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// machine is a sysroot with versions 1 and 2 on the ref "stable", of which 1 is deployed and runs.
type machine struct {
	t       *testing.T
	path    string
	opts    deploy.Options
	commits map[string]ostree.Checksum

	getenv map[string]string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	testenv.Need(t, testenv.Root)
	dir, err := os.MkdirTemp("/dev/shm", "cli-test-") //nolint:usetesting // t.TempDir cannot remove immutable files
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, fsx.RemoveAll(dir)) })
	m := &machine{t: t, path: filepath.Join(dir, "sysroot"), commits: map[string]ostree.Checksum{}, getenv: map[string]string{}}
	sysroot, err := deploy.Init(m.path, deploy.InitOptions{Options: deploy.Options{NoSync: true}})
	require.NoError(t, err)
	require.NoError(t, sysroot.InitStateroot(t.Context(), "debian"))
	for i, version := range []string{"1", "2"} {
		m.commit(sysroot.Repo(), version, i)
	}
	d, err := sysroot.Deploy(t.Context(), m.commits["1"], origin.New("stable"), deploy.DeployOptions{Kargs: kargs.Parse("root=x quiet")})
	require.NoError(t, err)
	m.opts = deploy.Options{HostRoot: m.path, RunDir: t.TempDir(), NoSync: true}
	var st unix.Stat_t
	require.NoError(t, unix.Stat(d.Path, &st))
	booted := gvariant.Dict(gvariant.Entry{
		Key: "backing-root-device-inode", Value: gvariant.Tuple(gvariant.Uint64(st.Dev), gvariant.Uint64(st.Ino)),
	})
	require.NoError(t, os.WriteFile(m.opts.RunDir+"/ostree-booted", booted.Data(), 0o644))
	require.NoError(t, sysroot.Close())
	return m
}

// commit writes a version, i days after the first, with parents, and a ref of its own.
func (m *machine) commit(repo *ostree.Repo, version string, i int) {
	m.t.Helper()
	status := "Package: tool\nStatus: install ok installed\nMaintainer: nobody\nArchitecture: all\nVersion: " + version + ".0\nDescription: test\n\n"
	tree := ostreetest.Tree{
		"usr/lib/modules/6.1.0/vmlinuz": ostreetest.File("kernel"), "usr/lib/modules/6.1.0/initramfs.img": ostreetest.File("initramfs"),
		"usr/lib/os-release": ostreetest.File("ID=debian\nPRETTY_NAME=Test\n"), "usr/etc/default": ostreetest.File(version),
		"usr/lib/sysimage/dpkg/status": ostreetest.File(status), "usr/share/doc/tool/about": ostreetest.File(version),
		"var": ostreetest.Dir(), "sysroot": ostreetest.Dir(), "ostree": ostreetest.Link("sysroot/ostree"),
	}
	commit := ostree.Commit{
		Timestamp: ostreetest.Timestamp().Add(time.Duration(i) * 24 * time.Hour),
		Metadata:  ostree.Metadata{{Key: ostree.MetadataVersion, Value: gvariant.String(version)}},
	}
	if c, err := repo.Resolve(m.t.Context(), "stable"); err == nil {
		commit.Parent = c
	}
	require.NoError(m.t, repo.Update(m.t.Context(), func(w *ostree.Writer) error {
		built, err := ostreetest.Build(m.t.Context(), w, tree)
		if err != nil {
			return err
		}
		if commit.Tree, err = w.WriteTree(m.t.Context(), built); err != nil {
			return err
		}
		if m.commits[version], err = w.WriteCommit(m.t.Context(), commit); err != nil {
			return err
		}
		if err := w.SetRef(ostree.Refspec{Ref: "kept/" + version}, m.commits[version]); err != nil {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: "stable"}, m.commits[version])
	}))
}

// run runs a command on the machine.
func (m *machine) run(args ...string) outcome {
	m.t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Main(m.t.Context(), append(args, "--sysroot="+m.path), cli.Env{
		Out: &stdout, Err: &stderr, Getenv: func(name string) string { return m.getenv[name] },
		Options: txn.Options{Sysroot: m.opts, Architecture: "amd64"},
	})
	return outcome{stdout.String(), stderr.String(), code}
}

// must runs a command that succeeds and gives what it prints.
func (m *machine) must(args ...string) string {
	m.t.Helper()
	o := m.run(args...)
	require.Zero(m.t, o.code, "%s: %s%s", strings.Join(args, " "), o.stdout, o.stderr)
	return o.stdout
}

// fails runs a command that fails with 1 and gives what it says.
func (m *machine) fails(args ...string) string {
	m.t.Helper()
	o := m.run(args...)
	require.Equal(m.t, 1, o.code, "%s: %s%s", strings.Join(args, " "), o.stdout, o.stderr)
	return o.stderr
}

// sysroot opens what the commands change.
func (m *machine) sysroot() *deploy.Sysroot {
	m.t.Helper()
	s, err := deploy.Open(m.path, m.opts)
	require.NoError(m.t, err)
	m.t.Cleanup(func() { require.NoError(m.t, s.Close()) })
	return s
}

// list lists the deployments as VERSION, with marks.
func (m *machine) list() []string {
	m.t.Helper()
	list, err := m.sysroot().Deployments(context.WithoutCancel(m.t.Context()))
	require.NoError(m.t, err)
	out := []string{}
	for _, d := range list {
		text := d.Version
		for _, mark := range []struct {
			text string
			on   bool
		}{{" booted", d.Booted}, {" staged", d.Staged}, {" pinned", d.Pinned}} {
			if mark.on {
				text += mark.text
			}
		}
		out = append(out, text)
	}
	return out
}
