package vm_test

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/image"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/test/document"
	"github.com/apt-ostree/apt-ostree/test/vm"
)

// manual is docs/booting.md while somebody follows it: what was not typed yet, by section.
type manual struct {
	t      *testing.T
	blocks map[string][]string
	dir    string // the checkout in which the commands of this machine run
	port   string // instead of the one that the document names
}

// TestBootingDocument follows docs/booting.md from its beginning to its end: on this machine, and then in
// a container of the same commit. Of what it tells to type only the installation of Debian packages is
// left out, which scripts/install-deps does, and QEMU; what is served has a port that is free, on an
// address that a container has.
func TestBootingDocument(t *testing.T) {
	t.Parallel()
	need(t)
	testenv.Need(t, testenv.Tool("make"), testenv.Tool("python3"), testenv.Tool("ostree"))
	_, err := built() // whose packages are a part of these
	require.NoError(t, err)
	m := newManual(t)

	install, make, _ := strings.Cut(m.next("From an empty disk to a system that updates"), "\n")
	deps, err := os.ReadFile("../../scripts/install-deps")
	require.NoError(t, err)
	for name := range strings.FieldsSeq(strings.TrimPrefix(install, "apt-get install ")) {
		require.Contains(t, string(deps), name)
	}
	m.here(make)
	m.here(m.next("1. Say what the system is"))
	require.Regexp(t, `(?m)^debian/bookworm/amd64/host => [0-9a-f]{64}$`, m.here(m.next("2. Compose it")))
	m.here(m.next("3. Install it on a disk"))

	require.Regexp(t, "^qemu-system-x86_64 ", m.next("4. Boot it")) // other tests do that, by other arguments

	s := m.boot()
	out := s.sh(m.next("4. Boot it"))
	require.Contains(t, out, "debian/bookworm/amd64/host")
	require.Regexp(t, `(?m)^ro[,\n]`, out)
	m.restarts(s, m.next("5. Change it"))
	require.Equal(t, "htop\n", s.run("htop"))
	m.restarts(s, m.next("5. Change it"))
	require.NotZero(t, s.try("sh", "-c", "htop").Code)

	s.run("apt-ostree", "install", "htop")
	m.update(s)
	for len(m.blocks[comeBack]) > 0 {
		s.sh(m.next(comeBack))
	}
	s.run("rm", "/etc/apt-ostree/health.d/50-ssh") // in a container ssh does not run: the host has the port
	s.reboot()
	require.Equal(t, "2\n", s.run("cat", "/usr/share/release"))
	require.Equal(t, "htop\n", s.run("htop"))
	require.Equal(t, "The deployment works\n", s.run("apt-ostree", "assess-boot"))
	require.Regexp(t, `(?m)^ostree_tries=$`, s.run("cat", "/boot/loader/grubenv"))
	require.Empty(t, m.left(), "what was not typed")
}

// comeBack is a section.
const comeBack = "7. Let it come back by itself"

func newManual(t *testing.T) *manual {
	t.Helper()
	m := &manual{t: t, blocks: map[string][]string{}, dir: t.TempDir()}
	blocks, err := document.Blocks("../../docs/booting.md")
	require.NoError(t, err)
	for _, b := range blocks {
		if b.Language == "sh" {
			m.blocks[b.Section] = append(m.blocks[b.Section], b.Text)
		}
	}
	for _, name := range []string{"cmd", "data", "examples", "internal", "pkg"} {
		require.NoError(t, os.CopyFS(filepath.Join(m.dir, name), os.DirFS(filepath.Join("../..", name))))
	}
	for _, name := range []string{"Makefile", "go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join("../..", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(m.dir, name), text, 0o644))
	}
	require.NoError(t, os.Symlink(filepath.Join(os.TempDir(), "apt-ostree-vm-cache/packages"), filepath.Join(m.dir, "cache")))
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, m.port, err = net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return m
}

// next takes the next block of a section.
func (m *manual) next(section string) string {
	m.t.Helper()
	require.NotEmpty(m.t, m.blocks[section], section)
	text := m.blocks[section][0]
	m.blocks[section] = m.blocks[section][1:]
	return strings.NewReplacer("8001", m.port, vm.ArchiveHost, "127.0.0.1").Replace(text)
}

// left are the blocks that were not taken.
func (m *manual) left() (all []string) {
	for _, blocks := range m.blocks {
		all = append(all, blocks...)
	}
	return all
}

// here runs lines on this machine.
func (m *manual) here(lines string) string {
	m.t.Helper()
	cmd := exec.CommandContext(m.t.Context(), "sh", "-euc", lines)
	cmd.Dir = m.dir
	out, err := cmd.CombinedOutput()
	require.NoError(m.t, err, "%s\n%s", lines, out)
	return string(out)
}

// boot starts the commit with an archive that has a program, by the commit's own files alone.
func (m *manual) boot() *system {
	m.t.Helper()
	b, err := built()
	require.NoError(m.t, err)
	archive := apttest.New(m.t, apttest.Options{})
	archive.Add(program("htop", "1"))
	repo, err := ostree.Open(filepath.Join(m.dir, "repo"), ostree.Options{})
	require.NoError(m.t, err)
	defer repo.Close()
	sysroot := m.t.TempDir()
	m.t.Cleanup(func() { require.NoError(m.t, fsx.RemoveAll(sysroot)) })
	files := vm.Guest{Agent: b.Agent, Sources: source.Format([]source.Source{archive.Publish()})}
	require.NoError(m.t, image.InstallSysroot(m.t.Context(), repo, hostRef, sysroot, image.InstallOptions{Configure: files.Configure}))
	return up(m.t, func(ctx context.Context) (guest, error) { return vm.StartContainer(ctx, sysroot) })
}

// hostRef is the branch that the document composes.
const hostRef = "debian/bookworm/amd64/host"

// restarts types lines of which the last restarts the system.
func (m *manual) restarts(s *system, lines string) {
	m.t.Helper()
	before, last, _ := strings.Cut(strings.TrimSpace(lines), "systemctl reboot")
	require.Empty(m.t, last)
	s.sh(before)
	s.reboot()
}

// update publishes a new version of the base and has the machine take it.
func (m *manual) update(s *system) {
	m.t.Helper()
	const section = "6. Update it"
	release := m.t.TempDir()
	require.NoError(m.t, os.MkdirAll(filepath.Join(release, "usr/share"), 0o755))
	require.NoError(m.t, os.WriteFile(filepath.Join(release, "usr/share/release"), []byte("2\n"), 0o644))
	require.NoError(m.t, vm.Derive(m.t.Context(), filepath.Join(m.dir, "repo"), hostRef, hostRef, "2", release))
	publish, serve, _ := strings.Cut(m.next(section), "python3 ")
	m.here(publish)
	server := exec.CommandContext(context.WithoutCancel(m.t.Context()), "sh", "-c", "exec python3 "+serve)
	server.Dir, server.SysProcAttr = m.dir, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	server.Env = append(os.Environ(), "PYTHONUNBUFFERED=1")
	said, err := server.StdoutPipe()
	require.NoError(m.t, err)
	require.NoError(m.t, server.Start())
	m.t.Cleanup(func() {
		_ = server.Process.Kill() // it may have ended
		_ = server.Wait()
	})
	line, err := bufio.NewReader(said).ReadString('\n')
	require.NoError(m.t, err, "it ended")
	require.Contains(m.t, line, "Serving HTTP")
	require.Contains(m.t, s.sh(m.next(section)), `Run "systemctl reboot" to start a reboot`)
}
