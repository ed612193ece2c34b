// Command apt-ostree-docs writes the man pages and the shell completions of apt-ostree, from the same
// table of commands that the program has:
//
//	go run ./cmd/apt-ostree-docs DIRECTORY
//
// They come below DIRECTORY in the places that they have below /usr/share.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/internal/clidoc"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: apt-ostree-docs DIRECTORY")
		os.Exit(2)
	}
	if err := clidoc.Write(cli.Command(), os.Args[1], date(os.Getenv("SOURCE_DATE_EPOCH"))); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// date is that of the pages: a given number of seconds, so that they are reproducible, or now.
func date(epoch string) time.Time {
	if seconds, err := strconv.ParseInt(epoch, 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC()
	}
	return time.Now()
}
