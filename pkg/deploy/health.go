package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// HealthPrograms are the executable files of directories as health checks, in the order of their names.
// Of files that have the same name, the one in the earlier directory counts, as with the configuration
// of systemd: an administrator replaces a check of the image, or masks it by a link to /dev/null.
// Directories that do not exist have no checks. What a program prints is part of the reason.
func HealthPrograms(dirs ...string) ([]HealthCheck, error) {
	found := make(map[string]string)
	for _, dir := range dirs {
		files, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("health checks: %w", err)
		}
		for _, file := range files {
			if _, ok := found[file.Name()]; !ok {
				found[file.Name()] = filepath.Join(dir, file.Name())
			}
		}
	}
	names := make([]string, 0, len(found))
	for name, path := range found {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("health checks: %w", err)
		}
		if info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	checks := make([]HealthCheck, 0, len(names))
	for _, name := range names {
		checks = append(checks, HealthCheck{Name: name, Run: func(ctx context.Context) error { return runCheck(ctx, found[name]) }})
	}
	return checks, nil
}

func runCheck(ctx context.Context, argv ...string) error {
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// bootTarget is what units are required by that have to work before a boot is good: systemd's own
// interface for that, see section "Boot Assessment" of systemd.special(7).
const bootTarget = "boot-complete.target"

// HealthUnits is the check that the system has started within some time, and that the units work
// which boot-complete.target requires. A unit that this does not require may fail.
func HealthUnits(limit time.Duration) HealthCheck {
	return HealthCheck{Name: bootTarget, Run: func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		// The exit status is that of a system in which some unit failed, too.
		state, err := exec.CommandContext(ctx, "systemctl", "is-system-running", "--wait").Output()
		switch text := string(bytes.TrimSpace(state)); {
		case ctx.Err() != nil:
			return fmt.Errorf("the system has not started within %s: waiting for %s", limit, systemctlList(context.WithoutCancel(ctx), "list-jobs"))
		case text != "running" && text != "degraded":
			return fmt.Errorf("the system is %s (%w)", text, errors.Join(err, errors.New("want running or degraded")))
		}
		if err := runCheck(ctx, "systemctl", "start", bootTarget); err != nil {
			return fmt.Errorf("%w; failed units: %s", err, systemctlList(context.WithoutCancel(ctx), "list-units", "--failed"))
		}
		return nil
	}}
}

// systemctlList returns the names in a list of systemctl, for a message.
func systemctlList(ctx context.Context, args ...string) string {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemctl", append(args, "--no-legend", "--plain")...).Output()
	if err != nil {
		return err.Error()
	}
	var names []string
	for line := range strings.Lines(string(out)) {
		for field := range strings.FieldsSeq(line) {
			if strings.Contains(field, ".") { // jobs have a number first
				names = append(names, field)
				break
			}
		}
	}
	return strings.Join(names, ", ")
}
