package vm_test

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/test/vm"
)

// status asks the guest's apt-ostree.
func (s *system) status() txn.Status {
	s.t.Helper()
	var status txn.Status
	require.NoError(s.t, json.Unmarshal([]byte(s.run("apt-ostree", "status", "--json")), &status))
	return status
}

// peerLine is a deployment in the output of `ostree admin status`; the star marks the running one.
var peerLine = regexp.MustCompile(`(?m)^([* ]) (\S+) ([0-9a-f]{64})\.(\d+)`)

// checkBooted makes sure that libostree's tool and ours agree on what there is and on what runs, that
// this is the deployment with that index, and that nothing failed on the way.
func (s *system) checkBooted(index int) txn.DeploymentStatus {
	s.t.Helper()
	peer := s.run("ostree", "admin", "status")
	found := peerLine.FindAllStringSubmatch(peer, -1)
	status := s.status()
	require.Len(s.t, found, len(status.Deployments), peer)
	for i, d := range status.Deployments {
		require.Equal(s.t, found[i][2]+" "+found[i][3], d.Osname+" "+d.Checksum)
		require.Equal(s.t, i == index, found[i][1] == "*", "libostree: deployment %d\n%s", i, peer)
		require.Equal(s.t, i == index, d.Booted, "apt-ostree: deployment %d", i)
	}
	require.Contains(s.t, s.run("cat", "/proc/cmdline"), " ostree=/ostree/boot.")
	require.Empty(s.t, s.run("systemctl", "list-units", "--failed", "--no-legend", "--plain"))
	return status.Deployments[index]
}

// TestBIOS boots as machines without EFI do.
func TestBIOS(t *testing.T) {
	t.Parallel()
	need(t)
	m := start(t, disk(t, apttest.New(t, apttest.Options{})), vm.Options{Firmware: vm.BIOS})
	require.NotZero(t, m.try("test", "-e", "/sys/firmware/efi").Code)
	booted := m.checkBooted(0)
	require.Equal(t, vm.Ref, booted.Origin)

	t.Run("what must not be changed by hand is read-only", func(t *testing.T) {
		for path, want := range map[string]string{"/usr": "ro", "/sysroot": "ro", "/etc": "rw", "/var": "rw"} {
			require.Regexp(t, "^"+want+"(,|$)", m.run("findmnt", "-n", "-o", "OPTIONS", "--target", path), path)
		}
		require.NotZero(t, m.try("touch", "/new").Code)
	})
	t.Run("dpkg knows the packages", func(t *testing.T) {
		require.Empty(t, m.run("dpkg", "--audit"))
		require.Contains(t, m.run("dpkg", "-l", "linux-image-cloud-amd64"), "\nii  linux-image-cloud-amd64")
	})
}
