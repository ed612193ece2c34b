package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// A pullConsole shows how far a pull is, in one line of a terminal. Elsewhere
// only the last line matters, which the command prints.
type pullConsole struct {
	e     *env
	tty   bool
	shown int // length of the line
}

func newPullConsole(e *env) *pullConsole {
	return &pullConsole{e: e, tty: term.IsTerminal(int(os.Stdout.Fd()))}
}

func (c *pullConsole) progress(p ostree.PullProgress) {
	if !c.tty {
		return
	}
	line := pullLine(p)
	c.e.printf("\r%s%s", line, strings.Repeat(" ", max(0, c.shown-len(line))))
	// What cannot be shown is no reason to stop; the end of the program reports it.
	_ = c.e.stdout.Flush()
	c.shown = len(line)
}

// clear removes the line.
func (c *pullConsole) clear() {
	if c.shown > 0 {
		c.e.printf("\r%s\r", strings.Repeat(" ", c.shown))
	}
}

func pullLine(p ostree.PullProgress) string {
	var rate int64
	if seconds := int64(p.Elapsed.Seconds()); seconds > 0 {
		rate = p.BytesTransferred / seconds
	}
	switch {
	case p.TotalDeltaParts > 0:
		return fmt.Sprintf("Receiving delta parts: %d/%d %s/s %s/%s", p.DeltaParts+p.DeltaFallbacks,
			p.TotalDeltaParts+p.TotalDeltaFallbacks, formatSize(uint64(rate)), formatSize(uint64(p.DeltaSize)), formatSize(uint64(p.TotalDeltaSize)))
	case p.RequestedContent > 0:
		return fmt.Sprintf("Receiving objects: %d%% (%d/%d) %s/s %s", 100*(p.FetchedContent+p.ImportedContent)/p.RequestedContent,
			p.FetchedContent+p.ImportedContent, p.RequestedContent, formatSize(uint64(rate)), formatSize(uint64(p.BytesTransferred)))
	case p.RequestedMetadata > 0:
		return fmt.Sprintf("Receiving metadata objects: %d/(estimating) %s/s %s", p.FetchedMetadata,
			formatSize(uint64(rate)), formatSize(uint64(p.BytesTransferred)))
	}
	return fmt.Sprintf("Scanning metadata: %d", p.ScannedMetadata)
}
