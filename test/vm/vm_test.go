// The tests of this package boot what the project composes, and change it while it runs.
package vm_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/image"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/test/vm"
)

// programs is a temporary directory for what is built once.
var programs string

// built builds it.
var built = sync.OnceValues(func() (*vm.Build, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	return vm.NewBuild(ctx, programs, filepath.Join(os.TempDir(), "apt-ostree-vm-cache"))
})

// installed has what `make install` installs on it.
var installed = sync.OnceValues(func() (*vm.Build, error) {
	b, err := built()
	if err != nil {
		return nil, err
	}
	return b, b.Install(context.Background(), "../..", filepath.Join(programs, "installed"))
})

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "apt-ostree-vm-build-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary directory
	programs = dir
	return m.Run()
}

// need states what all of these tests need.
func need(t *testing.T) {
	t.Helper()
	needs := []testenv.Requirement{testenv.Root, testenv.Overlay}
	for _, tool := range []string{"bwrap", "qemu-system-x86_64", "qemu-img", "mke2fs", "mcopy", "grub-mkimage", "ssh-keygen"} {
		needs = append(needs, testenv.Tool(tool))
	}
	testenv.Machine(t, needs...)
}

// disk makes a disk of the composed system whose APT source is an archive of this test.
func disk(t *testing.T, archive *apttest.Archive) string {
	t.Helper()
	return diskWith(t, archive, func(*image.InstallOptions) {})
}

func diskWith(t *testing.T, archive *apttest.Archive, change func(*image.InstallOptions)) string {
	t.Helper()
	opts := installOptions(t, forGuest(archive.Publish()))
	change(&opts)
	return diskOf(t, vm.Ref, opts)
}

// installedDisk makes a disk of the system with what `make install` installs, so that its daemon makes the changes.
func installedDisk(t *testing.T, archive *apttest.Archive) string {
	t.Helper()
	b, err := installed()
	require.NoError(t, err)
	opts := installOptions(t, source.Source{})
	opts.Configure = vm.Guest{Agent: b.Agent, Ostree: b.Ostree, Sources: source.Format([]source.Source{forGuest(archive.Publish())})}.Configure
	return diskOf(t, vm.InstalledRef, opts)
}

func diskOf(t *testing.T, ref string, opts image.InstallOptions) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk.raw")
	require.NoError(t, image.Install(t.Context(), repository(t), ref, file, opts))
	return file
}

// forGuest gives an archive the address that it has for a guest of QEMU.
func forGuest(s source.Source) source.Source {
	for i, uri := range s.URIs {
		s.URIs[i] = strings.Replace(uri, "127.0.0.1", vm.ArchiveHost, 1)
	}
	return s
}

// repository has the composed system.
func repository(t *testing.T) *ostree.Repo {
	t.Helper()
	b, err := built()
	require.NoError(t, err)
	repo, err := ostree.Open(b.Repo, ostree.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, repo.Close()) })
	return repo
}

func installOptions(t *testing.T, archive source.Source) image.InstallOptions {
	t.Helper()
	b, err := built()
	require.NoError(t, err)
	guest := vm.Guest{Agent: b.Agent, Program: b.Program, Ostree: b.Ostree, Sources: source.Format([]source.Source{archive}), Data: "../../data"}
	return image.InstallOptions{
		Options: image.Options{Size: 4 << 30}, Kargs: append([]string{"console=ttyS0", "quiet", "net.ifnames=0"}, vm.FastKargs...), Configure: guest.Configure,
	}
}

// guest is a machine or a container.
type guest interface {
	Run(ctx context.Context, argv ...string) (vm.Result, error)
	Reboot(ctx context.Context) error
	Close() error
}

// system is a guest in a test: what fails ends the test with all that is known.
type system struct {
	guest
	t *testing.T
}

// limit is how long one thing may take on a machine that has other things to do.
const limit = 15 * time.Minute

// start boots a machine.
func start(t *testing.T, disk string, opts vm.Options) *system {
	t.Helper()
	_, s := startMachine(t, disk, opts)
	return s
}

func startMachine(t *testing.T, disk string, opts vm.Options) (m *vm.Machine, s *system) {
	t.Helper()
	s = up(t, func(ctx context.Context) (guest, error) {
		var err error
		m, err = vm.Start(ctx, disk, opts)
		return m, err
	})
	return m, s
}

func up(t *testing.T, boot func(ctx context.Context) (guest, error)) *system {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	begun := time.Now()
	g, err := boot(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, g.Close()) })
	t.Logf("up after %.0f s", time.Since(begun).Seconds())
	return &system{g, t}
}

// try runs a program that may fail.
func (s *system) try(argv ...string) vm.Result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	begun := time.Now()
	r, err := s.Run(ctx, argv...)
	require.NoError(s.t, err)
	if took := time.Since(begun); took > 5*time.Second {
		s.t.Logf("%.0f s: %s", took.Seconds(), strings.Join(argv, " "))
	}
	return r
}

// run runs a program that must succeed and returns what it printed.
func (s *system) run(argv ...string) string {
	s.t.Helper()
	r := s.try(argv...)
	require.Zero(s.t, r.Code, "%s\n%s%s", strings.Join(argv, " "), r.Stdout, r.Stderr)
	return r.Stdout
}

// sh runs a line of shell that must succeed.
func (s *system) sh(line string) string {
	s.t.Helper()
	return s.run("sh", "-euc", line)
}

func (s *system) reboot() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	begun := time.Now()
	require.NoError(s.t, s.Reboot(ctx))
	s.t.Logf("rebooted in %.0f s", time.Since(begun).Seconds())
}
