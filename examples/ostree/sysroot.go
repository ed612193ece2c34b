package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/mountns"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

// openSysroot opens the sysroot that a command looks at: that of --sysroot or $OSTREE_SYSROOT, or the
// running system. It stays open until the program ends.
func (e *env) openSysroot() (*deploy.Sysroot, error) {
	path := e.sysrootDir()
	debug := strings.Split(e.getenv("OSTREE_SYSROOT_DEBUG"), ",")
	opts := strings.Split(e.getenv("OSTREE_SYSROOT_OPTS"), ",")
	s, err := deploy.Open(path, deploy.Options{
		Repo:          e.repoOptions(),
		LockTimeout:   -1,
		EntryNames:    entryNames(opts),
		Composefs:     true,
		GRUBGenerator: e.getenv("OSTREE_GRUB2_EXEC"),
		NoDeviceTrees: slices.Contains(debug, "no-dtb"),
		Mutable:       slices.Contains(debug, "mutable-deployments"),
		NoEarlyPrune:  slices.Contains(opts, "no-early-prune"),
		NoSync:        slices.Contains(opts, "skip-sync"),
		TestFreeze:    slices.Contains(debug, "test-fifreeze"),
		Report:        e.reportChange,
	})
	if err != nil {
		return nil, sysrootMessage(err)
	}
	e.sysroots = append(e.sysroots, s)
	return s, nil
}

func (e *env) sysrootDir() string { return cmp.Or(e.sysrootPath, e.getenv("OSTREE_SYSROOT"), "/") }

// openWritable opens the sysroot for a change, which on the running system takes mounts that are
// writable. The program may be started again for that.
func (e *env) openWritable() (*deploy.Sysroot, error) {
	if err := mountns.Writable(e.sysrootDir()); err != nil {
		return nil, err
	}
	return e.openSysroot()
}

// entryNames are those of Debian's release, which its tests look for, unless the newer ones are asked
// for.
func entryNames(opts []string) deploy.EntryNames {
	if slices.Contains(opts, "bootloader-naming-2") {
		return deploy.NamesShort
	}
	return deploy.NamesWithStateroot
}

// lockSysroot opens the sysroot that a command changes, and keeps others from changing it until the
// program ends.
func (e *env) lockSysroot(ctx context.Context) (*deploy.Sysroot, error) {
	s, err := e.openWritable()
	if err != nil {
		return nil, err
	}
	if _, err := s.Lock(ctx); err != nil { // closing the sysroot unlocks it
		return nil, err
	}
	booted, err := bootedOf(ctx, s)
	if err != nil {
		return nil, err
	}
	if booted != nil && os.Geteuid() != 0 {
		return nil, errors.New("You must be root to perform this command")
	}
	return s, nil
}

// reportChange prints what a change of a sysroot does.
func (e *env) reportChange(event deploy.Event) {
	switch event := event.(type) {
	case deploy.LockWait:
		e.println("Waiting for sysroot lock...")
	case deploy.EtcMerged:
		modified, removed, added := countChanges(event.Report.Changes)
		e.printf("Copying /etc changes: %d modified, %d removed, %d added\n", modified, removed, added)
	case deploy.Written:
		what, swap := "Bootloader updated", "no"
		if event.Atomic {
			what = "Transaction complete"
		}
		if event.Entries {
			swap = "yes"
		}
		e.printf("%s; bootconfig swap: %s; bootversion: boot.%d.%d, deployment count change: %d\n",
			what, swap, event.Boot, event.Sub, event.Added)
	}
	// What cannot be shown is no reason to stop; the end of the program reports it.
	_ = e.stdout.Flush()
}

// bootedOf returns the running deployment, nil if there is none.
func bootedOf(ctx context.Context, s *deploy.Sysroot) (*deploy.Deployment, error) {
	all, err := s.Deployments(ctx)
	if err != nil {
		return nil, err
	}
	return marked(all, func(d deploy.Deployment) bool { return d.Booted }), nil
}

func marked(all []deploy.Deployment, is func(deploy.Deployment) bool) *deploy.Deployment {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return &all[i]
	}
	return nil
}

// parseIndex reads the number of a deployment.
func parseIndex(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("Index too large: %s", text)
	}
	if err != nil {
		return 0, fmt.Errorf("Invalid index: %s", text)
	}
	return int(n), nil
}

// deploymentAt returns the deployment with a number.
func deploymentAt(ctx context.Context, s *deploy.Sysroot, index int) (*deploy.Deployment, error) {
	all, err := s.Deployments(ctx)
	switch {
	case err != nil:
		return nil, err
	case index < 0:
		return nil, fmt.Errorf("Invalid index %d", index)
	case index >= len(all):
		return nil, fmt.Errorf("Out of range deployment index %d, expected < %d", index, len(all))
	}
	return &all[index], nil
}
