package vm_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/test/vm"
)

// cuts is how often the power is cut; each costs a boot. APT_OSTREE_VM_CUTS asks for more, or for fewer.
const cuts = "2"

// TestPowerCut cuts the power at random moments of changes. Each time the machine boots to what was
// there before or to what was to be, its file system is whole, and the next change works.
func TestPowerCut(t *testing.T) {
	need(t)
	testenv.Need(t, testenv.Tool("e2fsck"), testenv.Tool("partx"))
	times, err := strconv.Atoi(cmp.Or(os.Getenv("APT_OSTREE_VM_CUTS"), cuts))
	require.NoError(t, err)
	archive := apttest.New(t, apttest.Options{})
	archive.Add(probe("1.0"), apttest.Deb{Package: "other", Files: []apttest.File{{Path: "usr/share/other", Content: "other"}}})
	base := disk(t, archive)
	m, s := startMachine(t, base, vm.Options{Firmware: vm.BIOS})
	begun := time.Now()
	s.run("apt-ostree", "install", "probe")
	took := time.Since(begun)

	for i := range times {
		from, to := s.nextChange()
		before := s.status().Deployments[0].Checksum
		delay := rand.N(took)
		t.Logf("cut %d: %.1f s into the change from %s to %s", i, delay.Seconds(), from, to)
		s.cutDuring(m, delay, "apt-ostree", "uninstall", from, "--install="+to)
		checkFileSystem(t, base, m.Disk())
		s.boot(m)
		booted := s.checkBooted(0)
		present := from
		if booted.Checksum != before {
			present = to
		}
		require.Equal(t, []string{present}, booted.Packages, "neither the old nor the new system")
		require.Empty(t, s.run("dpkg", "--audit"))
		for _, name := range []string{from, to} {
			require.Equal(t, name == present, s.try("dpkg", "--verify", name).Code == 0, name)
		}
	}

	from, to := s.nextChange()
	s.run("apt-ostree", "uninstall", from, "--install="+to)
	require.Equal(t, []string{to}, s.status().Deployments[0].Packages)
	s.run("ostree", "fsck", "--quiet")
}

// nextChange is which of the two packages is layered, and which is to be.
func (s *system) nextChange() (from, to string) {
	s.t.Helper()
	if slices.Contains(s.status().Deployments[0].Packages, "probe") {
		return "probe", "other"
	}
	return "other", "probe"
}

// cutDuring cuts the power some time after a program has started.
func (s *system) cutDuring(m *vm.Machine, delay time.Duration, argv ...string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := m.Run(ctx, argv...)
		ended <- err
	}()
	time.Sleep(delay)
	require.NoError(s.t, m.Kill())
	if err := <-ended; err == nil {
		s.t.Log("the change was complete by then")
	}
}

// boot switches a machine on.
func (s *system) boot(m *vm.Machine) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	require.NoError(s.t, m.Boot(ctx))
}

// checkFileSystem copies the root file system out of an overlay of a disk, lets e2fsck replay its
// journal as the kernel does, and then wants it to find nothing.
func checkFileSystem(t *testing.T, base, overlay string) {
	t.Helper()
	tool := func(name string, args ...string) string {
		out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
		require.NoError(t, err, "%s %v: %s", name, args, out)
		return strings.TrimSpace(string(out))
	}
	sector, err := strconv.ParseInt(tool("partx", "--nr", "3", "-r", "-g", "-o", "START", base), 10, 64)
	require.NoError(t, err)
	root := filepath.Join(t.TempDir(), "root")
	defer func() { require.NoError(t, os.Remove(root)) }() // there may be many
	tool("qemu-img", "convert", "-O", "raw", "--image-opts", fmt.Sprintf("driver=raw,offset=%d,file.driver=qcow2,file.file.filename=%s", sector*512, overlay), root)
	tool("e2fsck", "-E", "journal_only", "-p", root)
	tool("e2fsck", "-f", "-n", root)
}
