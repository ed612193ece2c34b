package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A sample is what one run of a program took.
type sample struct {
	seconds   float64
	processor float64 // seconds of all processors, of the program and what it ran
	peak      int64   // resident memory in bytes
	stdout    string
}

// measure runs a program. What earlier ones left to be written is on disk before the clock starts.
func measure(ctx context.Context, dir string, args ...string) (sample, error) {
	unix.Sync()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", fmt.Sprintf("SOURCE_DATE_EPOCH=%d", epoch))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	s := sample{seconds: time.Since(start).Seconds(), stdout: strings.TrimSpace(stdout.String())}
	if err != nil {
		return s, fmt.Errorf("%s: %w\n%s%s", strings.Join(args, " "), err, stdout.Bytes(), stderr.Bytes())
	}
	s.processor = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.peak = usage.Maxrss << 10
	}
	return s, nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// seconds, processor and peak are the medians of samples.
func seconds(samples []sample) float64 {
	return median(each(samples, func(s sample) float64 { return s.seconds }))
}

func processor(samples []sample) float64 {
	return median(each(samples, func(s sample) float64 { return s.processor }))
}

func peak(samples []sample) float64 {
	return median(each(samples, func(s sample) float64 { return float64(s.peak) }))
}

func each(samples []sample, get func(sample) float64) []float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = get(s)
	}
	return values
}
