package vm_test

import (
	"encoding/json"
	"regexp"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
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

// checkInstalled looks at a machine as it comes from the disk.
func (s *system) checkInstalled(ref string) {
	s.t.Helper()
	require.Equal(s.t, ref, s.checkBooted(0).Origin)
	// What must not be changed by hand is read-only.
	for path, want := range map[string]string{"/usr": "ro", "/sysroot": "ro", "/etc": "rw", "/var": "rw"} {
		require.Regexp(s.t, "^"+want+"(,|$)", s.run("findmnt", "-n", "-o", "OPTIONS", "--target", path), path)
	}
	require.NotZero(s.t, s.try("touch", "/new").Code)
	require.Empty(s.t, s.run("dpkg", "--audit"))
	require.Contains(s.t, s.run("dpkg", "-l", "linux-image-cloud-amd64"), "\nii  linux-image-cloud-amd64")
}
