package vm_test

import (
	"cmp"
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/test/vm"
)

// cuts is how often the power is cut; each costs a boot. APT_OSTREE_VM_CUTS asks for more, or for fewer.
const cuts = "4"

// interrupted is a change in the middle of which the power is cut.
type interrupted struct {
	name string
	// prepare is a change that is complete before it, which shows that the cut before left a system that
	// can be changed.
	prepare func(s *system)
	// argv is the change of a system whose default has a package.
	argv func(pkg string) []string
	// done checks that the booted system is the one after the change.
	done func(s *system, booted txn.DeploymentStatus, pkg string)
	// took is how long the change takes: at first a guess, and then what was seen.
	took time.Duration
}

// TestPowerCut cuts the power at random moments of changes. Each time the machine boots to what was
// there before or to what was to be, its file system and its repository are whole, and the next change
// works.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	need(t)
	testenv.Need(t, testenv.Loop, testenv.Tool("e2fsck"), testenv.Tool("partx"), testenv.Tool("ostree"))
	times, err := strconv.Atoi(cmp.Or(os.Getenv("APT_OSTREE_VM_CUTS"), cuts))
	require.NoError(t, err)
	archive := apttest.New(t, apttest.Options{})
	p := &packages{archive: archive}
	p.publish()
	base := disk(t, archive)
	m, s := startMachine(t, base, vm.Options{Firmware: vm.BIOS})
	begun := time.Now()
	s.run("apt-ostree", "install", "probe")
	s.run(finalize...)
	changes := p.changes(time.Since(begun))

	for i := range times {
		c := changes[i%len(changes)]
		c.prepare(s)
		before := s.pendingDefault()
		pkg := before.Packages[0]
		version := p.version
		if c.name != "upgrade" {
			version = "" // that of the package does not tell old from new
		}
		delay := rand.N(c.took)
		t.Logf("cut %d: %.1f s into %s", i+1, delay.Seconds(), c.name)
		if took := s.cutDuring(m, delay, c.argv(pkg)...); took != 0 {
			t.Logf("it was complete after %.1f s", took.Seconds())
			c.took = took
		}
		checkDisk(t, base, m.Disk())
		s.boot(m)
		s.checkAfterCut(c, before, pkg, version)
	}
	s.stageOther()
}

// pendingDefault is what the boot loader starts next: the first deployment that is not staged.
func (s *system) pendingDefault() txn.DeploymentStatus {
	s.t.Helper()
	all := s.status().Deployments
	if all[0].Staged {
		return all[1]
	}
	return all[0]
}

// checkAfterCut makes sure that the system is the old or the new one, and complete.
func (s *system) checkAfterCut(c *interrupted, before txn.DeploymentStatus, pkg, newVersion string) {
	s.t.Helper()
	booted := s.checkBooted(0)
	if booted.Checksum == before.Checksum {
		s.t.Log("the old system")
		require.Equal(s.t, before.Packages, booted.Packages)
		require.NotEqual(s.t, newVersion, s.run("dpkg-query", "-W", "-f", "${Version}", pkg))
	} else {
		s.t.Log("the new system")
		c.done(s, booted, pkg)
	}
	require.Empty(s.t, s.run("dpkg", "--audit"))
	for _, name := range booted.Packages {
		s.run("dpkg", "--verify", name)
	}
}

// stageOther stages a system that has the other package. It returns the package.
func (s *system) stageOther() string {
	s.t.Helper()
	from := s.pendingDefault().Packages[0]
	s.run("apt-ostree", "uninstall", from, "--install="+other(from))
	require.Equal(s.t, []string{other(from)}, s.status().Deployments[0].Packages)
	return other(from)
}

// deployOther makes it the default, but does not boot it.
func (s *system) deployOther() {
	s.t.Helper()
	want := s.stageOther()
	s.run(finalize...)
	require.Equal(s.t, []string{want}, s.pendingDefault().Packages)
}

// finalize does what happens at shutdown with what is staged, without the time for all else.
var finalize = []string{"systemctl", "stop", "ostree-finalize-staged.service"}

// other is the other one of the two packages.
func other(pkg string) string {
	if pkg == "probe" {
		return "other"
	}
	return "probe"
}

// cutDuring cuts the power some time after a program has started. It returns how long that took if it
// was complete by then.
func (s *system) cutDuring(m *vm.Machine, delay time.Duration, argv ...string) (took time.Duration) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	begun := time.Now()
	ended := make(chan time.Duration, 1)
	go func() {
		defer close(ended)
		if r, err := m.Run(ctx, argv...); err == nil && r.Code == 0 {
			ended <- time.Since(begun)
		}
	}()
	time.Sleep(delay)
	require.NoError(s.t, m.Kill())
	return <-ended
}

// boot switches a machine on.
func (s *system) boot(m *vm.Machine) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	require.NoError(s.t, m.Boot(ctx))
}
