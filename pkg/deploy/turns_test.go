package deploy_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// The tool and this package take turns on a running system, with staged deployments and reboots. After
// every step both see the same, and what boots is complete.
func TestTakingTurnsWhileRunning(t *testing.T) {
	t.Parallel()
	seeds := turns(t)
	first := newMachine(t)
	for n, changes := range []tree{nil, {"usr/lib/modules/6.1.0/vmlinuz": "k4"}, {"usr/etc/c.conf": "new"}} {
		commit(t, first.Sysroot, fmt.Sprint(n+3), rooted(changes))
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			takeTurnsWhileRunning(t, first.clone(t), rand.New(rand.NewPCG(seed, 5)))
		})
	}
}

// turns is how many random sequences there are: 30, or what the environment says.
func turns(t *testing.T) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(cmp.Or(os.Getenv("APT_OSTREE_TURNS"), "30"), 10, 32)
	require.NoError(t, err)
	if testing.Short() {
		return min(n, 2)
	}
	return n
}

func takeTurnsWhileRunning(t *testing.T, m machine, r *rand.Rand) {
	for range 8 {
		branch := fmt.Sprint(r.IntN(5) + 1)
		what, theirs := r.IntN(10), r.IntN(2) == 0
		list := deployments(t, m.Sysroot)
		t.Logf("theirs=%v what=%d commit=%s of %v", theirs, what, branch, marks(list))
		switch {
		case what < 3:
			m.turnStage(t, resolve(t, m.Sysroot, branch), branch, theirs)
		case what < 5:
			m.turnFinalize(t, theirs)
		case what == 5:
			m.turnDeploy(t, resolve(t, m.Sysroot, branch), branch, theirs)
		case what == 6 && !list[0].Booted:
			m.turnUndeploy(t, list[0], theirs)
		case what == 7:
			// A reboot: /run is empty, and the first deployment runs.
			require.NoError(t, os.RemoveAll(m.run+"/ostree"))
			m = machineOf(t, m.Sysroot, offline(t, m.Sysroot)[0])
		case what == 8:
			m.turnKargs(t, []string{"quiet", "a=1", "b"}[r.IntN(3)], theirs)
		case what == 9 && !list[len(list)-1].Staged:
			m.turnPin(t, list[len(list)-1], len(list)-1, theirs)
		}
		list = deployments(t, m.Sysroot)
		require.Equal(t, statusOf(list), m.mustTool(t, "admin", "status"))
		for _, d := range list {
			if !d.Staged {
				require.NoError(t, complete(d))
			}
		}
		requireBoots(t, m.Sysroot)
	}
	_, err := m.Cleanup(t.Context())
	require.NoError(t, err)
	before := layout(t, m.Path())
	m.mustTool(t, "admin", "cleanup")
	require.Equal(t, before, layout(t, m.Path()), "the tool finds nothing to clean up")
	ostreeTool(t, "--repo="+m.Repo().Path(), "fsck", "-q")
}

// offline are the deployments as they are when nothing runs.
func offline(t *testing.T, s *deploy.Sysroot) []deploy.Deployment {
	t.Helper()
	off, err := deploy.Open(s.Path(), options(t))
	require.NoError(t, err)
	defer func() { require.NoError(t, off.Close()) }()
	return deployments(t, off)
}

func (m machine) turnStage(t *testing.T, c ostree.Checksum, branch string, theirs bool) {
	t.Helper()
	if theirs {
		m.mustTool(t, "admin", "deploy", "--stage", "branch/"+branch)
		return
	}
	_, err := m.Stage(t.Context(), c, origin.New("branch/"+branch), deploy.StageOptions{})
	require.NoError(t, err)
}

func (m machine) turnFinalize(t *testing.T, theirs bool) {
	t.Helper()
	if theirs {
		m.mustTool(t, "admin", "finalize-staged")
		return
	}
	_, err := m.Finalize(t.Context())
	require.NoError(t, err)
}

func (m machine) turnDeploy(t *testing.T, c ostree.Checksum, branch string, theirs bool) {
	t.Helper()
	if theirs {
		m.mustTool(t, "admin", "deploy", "branch/"+branch)
		return
	}
	_, err := m.Deploy(t.Context(), c, origin.New("branch/"+branch), deploy.DeployOptions{})
	require.NoError(t, err)
}

func (m machine) turnUndeploy(t *testing.T, d deploy.Deployment, theirs bool) {
	t.Helper()
	if theirs {
		m.mustTool(t, "admin", "undeploy", "0")
		return
	}
	require.NoError(t, m.Undeploy(t.Context(), d))
}

// turnKargs edits the arguments of all deployments in place.
func (m machine) turnKargs(t *testing.T, arg string, theirs bool) {
	t.Helper()
	if theirs {
		m.mustTool(t, "admin", "kargs", "edit-in-place", "--append-if-missing="+arg)
	} else {
		require.NoError(t, m.EditKargs(t.Context(), kargs.Edit{AppendIfMissing: []string{arg}}))
	}
	for _, d := range deployments(t, m.Sysroot) {
		if !d.Staged {
			require.Contains(t, d.Kargs, arg)
		}
	}
}

// turnPin pins a deployment, or lets it go.
func (m machine) turnPin(t *testing.T, d deploy.Deployment, at int, theirs bool) {
	t.Helper()
	if !theirs {
		_, err := m.Pin(t.Context(), d, !d.Pinned)
		require.NoError(t, err)
		return
	}
	args := []string{"admin", "pin", fmt.Sprint(at)}
	if d.Pinned {
		args = append(args, "--unpin")
	}
	m.mustTool(t, args...)
}
