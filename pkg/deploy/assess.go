package deploy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
)

// HealthCheck is one thing that has to work before a deployment is taken for good.
type HealthCheck struct {
	// Name is for people.
	Name string
	// Run returns what does not work.
	Run func(ctx context.Context) error
}

// Assessment is what became of a boot.
type Assessment struct {
	// Good says that the running deployment works.
	Good bool
	// Reason is what does not work.
	Reason string
	// TriesLeft is how often it will be tried again.
	TriesLeft int
	// Failed is the deployment that has been given up, and Default the one that boots from now on
	// instead; nil when nothing was.
	Failed, Default *Deployment
	// Reboot says that the machine should be rebooted: to try again, or to get away from a deployment
	// that does not work.
	Reboot bool
}

// AssessBoot finds out whether the running deployment works, once the system is up, and acts on it:
//
//   - If it is the default and passes all checks, its boot counter is taken away.
//   - If it fails one, it is tried again as often as its counter permits, and then given up: the next
//     deployment of the stateroot that is not known to fail becomes the default.
//   - If it is not the default, because the boot loader has given that up, the default is given up for
//     good, with what is known of the reason.
//
// Deployments start with a counter when sysroot.boot-counting-tries of the repository configuration
// says so, and then every boot has to be assessed, or one that works runs out of tries; without one a
// single failure is enough. Why a deployment was given up is
// [Deployment.BootFailure] as long as it exists. [ErrNotBooted] says that there is nothing to assess.
//
// The lock is taken after the checks, of which [HealthUnits] and [HealthPrograms] are the usual ones. When
// the context ends while they run, nothing is judged.
func (s *Sysroot) AssessBoot(ctx context.Context, checks []HealthCheck) (*Assessment, error) {
	a, err := s.assess(ctx, checks)
	if err != nil {
		return nil, fmt.Errorf("assess the boot: %w", err)
	}
	return a, nil
}

func (s *Sysroot) assess(ctx context.Context, checks []HealthCheck) (*Assessment, error) {
	before, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	if before.booted() == nil {
		return nil, ErrNotBooted
	}
	// Checks may wait for a long time, and nobody should have to wait for them.
	reason := failing(ctx, checks)
	if err := ctx.Err(); err != nil {
		return nil, err // Someone ended the checks, which says nothing about the system.
	}
	unlock, err := s.hold(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	st, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	booted := st.booted()
	if booted == nil {
		return nil, ErrNotBooted
	}
	count, err := s.counter(st)
	if err != nil {
		return nil, err
	}
	first := st.final().deployments[0]
	if !first.Booted && first.Stateroot == booted.Stateroot && count.counted && count.left == 0 {
		why := first.BootFailure
		if why == "" {
			why = "it did not finish booting, however often it was tried"
		}
		return s.giveUp(ctx, st, first, *booted, why, false)
	}
	switch {
	case reason == "":
		return &Assessment{Good: true}, s.markGood(ctx, st, count)
	case !first.Booted:
		return &Assessment{Reason: reason}, s.noteFailure(ctx, *booted, reason)
	}
	return s.failed(ctx, st, count, reason)
}

// maxReason bounds what is kept of a reason.
const maxReason = 500

// failing runs the checks up to the first that fails, and returns why in one line.
func failing(ctx context.Context, checks []HealthCheck) string {
	for _, check := range checks {
		if err := check.Run(ctx); err != nil {
			text := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(check.Name+": "+err.Error(), "?")), " "))
			return string(text[:min(len(text), maxReason)])
		}
	}
	return ""
}

// counter is the boot counter of the default.
type counter struct {
	left    int
	counted bool
	// loader counts by itself; nil when the name of the boot entry has to be changed.
	loader bootloader.Counter
}

func (s *Sysroot) counter(st *state) (counter, error) {
	name := st.final().deployments[0].file
	c := counter{left: name.TriesLeft, counted: name.Counted}
	loader, err := s.bootloader()
	if err != nil {
		return c, err
	}
	counts, ok := loader.(bootloader.Counter)
	if !ok {
		return c, nil
	}
	c.loader = counts
	c.left, c.counted, err = counts.Tries(s.loaderConfig(st))
	return c, err
}

// markGood stops counting.
func (s *Sysroot) markGood(ctx context.Context, st *state, count counter) error {
	booted, first := st.booted(), st.final().deployments[0]
	if booted.BootFailure != "" {
		if err := s.noteFailure(ctx, *booted, ""); err != nil {
			return err
		}
	}
	if !first.Booted {
		return nil
	}
	if count.loader != nil {
		if err := count.loader.Good(ctx, s.loaderConfig(st)); err != nil {
			return fmt.Errorf("boot loader %s: %w", count.loader.Name(), err)
		}
	}
	good := first.file
	good.Counted, good.TriesLeft, good.TriesDone = false, 0, 0
	return s.renameEntry(st, first.file, good)
}

// renameEntry changes the counter in the name of a boot entry.
func (s *Sysroot) renameEntry(st *state, from, to bootentry.Name) error {
	if from == to {
		return nil
	}
	dir := s.entriesDir(st.boot)
	if err := os.Rename(filepath.Join(dir, from.String()), filepath.Join(dir, to.String())); err != nil {
		return err
	}
	return s.touch()
}

// failed tries again or gives up.
func (s *Sysroot) failed(ctx context.Context, st *state, count counter, reason string) (*Assessment, error) {
	first := st.final().deployments[0]
	if err := s.noteFailure(ctx, first, reason); err != nil {
		return nil, err
	}
	if count.counted && count.left > 0 {
		if err := s.countTry(ctx, st, &count); err != nil {
			return nil, err
		}
		first = st.final().deployments[0]
	}
	if count.counted && count.left > 0 {
		return &Assessment{Reason: reason, TriesLeft: count.left, Reboot: true}, nil
	}
	for _, d := range st.final().deployments[1:] {
		if d.Stateroot == first.Stateroot && d.BootFailure == "" {
			return s.giveUp(ctx, st, first, d, reason, true)
		}
	}
	s.log.Warn("no deployment to roll back to", "failed", first.Name(), "reason", reason)
	return &Assessment{Reason: reason}, nil
}

// countTry takes one off the counter, unless the boot loader has done that, and notes what is left in
// the name of the boot entry, by which that is told the next time.
func (s *Sysroot) countTry(ctx context.Context, st *state, count *counter) error {
	first := st.final().deployments[0]
	if count.loader == nil || count.left >= first.file.TriesLeft {
		count.left--
		if count.loader != nil {
			if err := count.loader.SetTries(ctx, s.loaderConfig(st), count.left); err != nil {
				return fmt.Errorf("boot loader %s: %w", count.loader.Name(), err)
			}
		}
	}
	if !first.file.Counted {
		return nil
	}
	tried := first.file
	tried.TriesLeft, tried.TriesDone = count.left, tried.TriesDone+1
	if err := s.renameEntry(st, first.file, tried); err != nil {
		return err
	}
	st.find(first.Same).file = tried
	return nil
}

// giveUp makes another deployment the default.
func (s *Sysroot) giveUp(ctx context.Context, st *state, bad, next Deployment, reason string, reboot bool) (*Assessment, error) {
	if err := s.noteFailure(ctx, bad, reason); err != nil {
		return nil, err
	}
	s.after("noted")
	list := slices.DeleteFunc(slices.Clone(st.deployments), next.Same)
	at := slices.IndexFunc(list, func(d Deployment) bool { return !d.Staged })
	list = slices.Insert(list, max(at, 0), next)
	if _, err := s.write(ctx, st, list, func(string) {}); err != nil {
		return nil, err
	}
	a := &Assessment{Reason: reason, Reboot: reboot}
	var err error
	if a.Failed, err = s.reload(context.WithoutCancel(ctx), bad); err != nil {
		return nil, err
	}
	a.Default, err = s.reload(context.WithoutCancel(ctx), next)
	return a, err
}

// noteFailure writes down why a deployment does not work, or that it does.
func (s *Sysroot) noteFailure(ctx context.Context, d Deployment, reason string) error {
	return s.editOrigin(ctx, d, func(o *origin.Origin) *origin.Origin {
		o.BootFailure = reason
		return o
	})
}
