package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

// smallPackages are layered one after the other.
func smallPackages() []string {
	return []string{
		"hello", "sl", "tree", "figlet", "bc", "ed", "dos2unix", "ncal", "pv", "nano",
		"zip", "unzip", "htop", "strace", "lsof", "whois", "time", "dc", "pwgen", "toilet",
	}
}

const (
	rowInstall = "`install` of a small cached package to a staged deployment / `apt-get install` of it in a chroot of the same tree"
	rowTwenty  = "`install` of the 20th small cached package / of the first"
	rowSum     = "`install` of the 2nd to 20th, the slowest / the first"
)

// benchLayer layers small packages on the embedded set, about 400 MB, as a running system does: the
// deployments are staged.
func benchLayer(ctx context.Context, opts options, work string) error {
	one, many := opts.only.MatchString(rowInstall), opts.only.MatchString(rowTwenty) || opts.only.MatchString(rowSum)
	if !one && !many {
		return nil
	}
	tree, err := compose.Embedded(compose.LoadOptions{Architecture: txn.NativeArchitecture()})
	if err != nil {
		return err
	}
	l, err := newLayering(ctx, tree, opts.cache, filepath.Join(work, "layer"))
	if err != nil {
		return err
	}
	if err := l.download(ctx); err != nil {
		return err
	}
	if one {
		if err := l.benchInstall(ctx, opts.runs); err != nil {
			return err
		}
	}
	if many {
		return l.benchTwenty(ctx, opts.runs)
	}
	return nil
}

// forgetful is how long ext4 knows of an inode that it was deleted (recently_deleted in fs/ext4/ialloc.c), and until
// then whoever makes a directory waits for it to look at each. It takes that what was deleted is on disk.
const forgetful = time.Minute

// benchInstall takes another package in each run, because what was once assembled is found again, on a system
// that stays as it was booted: nothing is staged, nothing was deleted just now.
func (l *layering) benchInstall(ctx context.Context, runs int) error {
	if err := l.makeChroot(ctx); err != nil {
		return err
	}
	var ours, theirs []sample
	for i, name := range smallPackages()[:min(runs, len(smallPackages()))] {
		unix.Sync()
		time.Sleep(forgetful + time.Second)
		for side := range 2 {
			if (side+i)%2 == 0 {
				s, err := l.install(ctx, name)
				if err != nil {
					return err
				}
				ours = append(ours, s)
				continue
			}
			s, err := measure(ctx, "", "chroot", l.chroot, "apt-get", "install", "-y", "-qq", name)
			if err != nil {
				return err
			}
			theirs = append(theirs, s)
		}
		if err := l.change(ctx, txn.Change{Cleanup: &txn.Cleanup{Pending: true}}); err != nil {
			return err
		}
	}
	printRow(rowInstall, ours, theirs)
	return nil
}

// benchTwenty layers twenty packages, each in a change of its own. The peer of the last change is the
// first: it should cost a little more only.
func (l *layering) benchTwenty(ctx context.Context, runs int) error {
	var first, last, slowest []sample
	for range runs {
		var times []sample
		for _, name := range smallPackages() {
			s, err := l.install(ctx, name)
			if err != nil {
				return fmt.Errorf("install %s: %w", name, err)
			}
			times = append(times, s)
		}
		most := times[1]
		for _, s := range times[2:] {
			if s.seconds > most.seconds {
				most = s
			}
		}
		first, last, slowest = append(first, times[0]), append(last, times[len(times)-1]), append(slowest, most)
		if err := l.change(ctx, txn.Change{UninstallAll: true}); err != nil {
			return err
		}
	}
	printRow(rowTwenty, last, first)
	printRow(rowSum, slowest, first)
	return nil
}

// install layers a package and returns how long that took.
func (l *layering) install(ctx context.Context, name string) (sample, error) {
	unix.Sync()
	return timed(func() error { return l.change(ctx, txn.Change{Install: []string{name}}) })
}
