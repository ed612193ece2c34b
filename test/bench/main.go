// Command bench measures side by side with the peers and prints a table for docs/performance.md:
// examples/ostree against the `ostree` of the machine, command by command on one real root file
// system, package lists and the solver against apt-cache and apt-get, and a compose against mmdebstrap
// and `ostree commit`.
//
//	go run ./test/bench -runs 3 -only 'commit|fsck'
//
// Both sides take turns, so that what else the machine does meets both. It needs root, and a -dir on
// the kind of file system that counts.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

const epoch = 1750000000

type options struct {
	runs  int
	only  *regexp.Regexp
	cache string
	dir   string
	ours  string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == aptCommand {
		if err := runAptCommand(context.Background(), os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) > 1 && (os.Args[1] == "apt-ostree" || os.Args[1] == "apt-ostreed") {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		code := runProgram(ctx, os.Args[1], os.Args[2:])
		stop()
		os.Exit(code)
	}
	var opts options
	flag.IntVar(&opts.runs, "runs", 3, "runs of each side")
	only := flag.String("only", "", "only rows whose name matches this `REGEXP`")
	flag.StringVar(&opts.cache, "cachedir", "/var/cache/apt-ostree/bench", "keep packages and the root file system in this `DIRECTORY`")
	flag.StringVar(&opts.dir, "dir", os.TempDir(), "make trees and repositories below this `DIRECTORY`")
	flag.StringVar(&opts.ours, "ostree", "", "measure this `PROGRAM` instead of building examples/ostree")
	flag.Parse()
	var err error
	if opts.only, err = regexp.Compile(*only); err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		err = bench(ctx, opts)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, opts options) (err error) {
	work, err := os.MkdirTemp(opts.dir, "apt-ostree-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fsx.RemoveAll(work)) }() // deployments are immutable
	fmt.Printf("| median of %d interleaved runs | ours | peer | faster | our peak | peer's peak |\n|---|---|---|---|---|---|\n", opts.runs)
	if err := benchRepo(ctx, opts, work); err != nil {
		return err
	}
	if err := benchApt(ctx, opts, work); err != nil {
		return err
	}
	if err := benchArchive(ctx, opts, work); err != nil {
		return err
	}
	if err := benchCompose(ctx, opts, work); err != nil {
		return err
	}
	if err := benchStatus(ctx, opts, work); err != nil {
		return err
	}
	return benchLayer(ctx, opts, work)
}

// printRow prints one row of the table. Memory is left out where it was not measured.
func printRow(name string, ours, theirs []sample) {
	fmt.Printf("| %s | %s | %s | %.2f× | %s | %s |\n", name, showTime(seconds(ours)), showTime(seconds(theirs)),
		seconds(theirs)/seconds(ours), showMemory(peak(ours)), showMemory(peak(theirs)))
}

func showTime(s float64) string {
	switch {
	case s < 0.1:
		return fmt.Sprintf("%.1f ms", s*1000)
	case s < 10:
		return fmt.Sprintf("%.2f s", s)
	}
	return fmt.Sprintf("%.1f s", s)
}

func showMemory(bytes float64) string {
	if bytes == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f MiB", bytes/(1<<20))
}
