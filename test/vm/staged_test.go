package vm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/test/vm"
)

// TestStaged stages deployments on a running system. At shutdown one is finalized, with what /etc has
// become by then, and a locked one is not.
func TestStaged(t *testing.T) {
	need(t)
	testenv.Need(t, testenv.Tool("systemd-nspawn"), testenv.Tool("nsenter"))
	s := container(t, apttest.New(t, apttest.Options{}))
	booted := s.checkBooted(0)
	require.Zero(t, booted.Serial)

	s.run("ostree-example", "admin", "deploy", "--stage", vm.Ref)
	s.checkBooted(1)
	require.True(t, s.status().Deployments[0].Staged)
	require.Contains(t, s.run("ostree", "admin", "status"), "(staged)")
	s.sh("echo late >/etc/late.conf")
	s.reboot()
	require.Equal(t, 1, s.checkBooted(0).Serial)
	require.Len(t, s.status().Deployments, 2)
	require.Equal(t, "late\n", s.run("cat", "/etc/late.conf"))

	s.run("ostree-example", "admin", "deploy", "--stage", "--lock-finalization", vm.Ref)
	staged := s.status().Deployments[0]
	require.True(t, staged.Staged)
	s.checkBooted(1)
	s.reboot()
	require.Equal(t, 1, s.checkBooted(0).Serial)
	require.False(t, s.status().Deployments[0].Staged)
}
