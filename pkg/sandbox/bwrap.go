package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Options configure New. The zero value is what a daemon running as root
// wants.
type Options struct {
	// Path is the bubblewrap program; empty means the usual places.
	Path string

	// Grace is how long processes have between SIGTERM and SIGKILL when the
	// time limit passes or the context ends; zero means five seconds.
	Grace time.Duration
}

// Bwrap is a Runner on bubblewrap (bwrap(1)), version 0.8 or newer. It is safe
// for concurrent use.
type Bwrap struct {
	path          string
	grace         time.Duration
	userNamespace bool
}

const defaultGrace = 5 * time.Second

// New finds bubblewrap and runs it once with every kind of isolation that Run
// needs, so that a machine that cannot do it says so here and not in the
// middle of a transaction. For a caller that is not root, programs run as root
// of a user namespace in which only that one user exists.
func New(ctx context.Context, opts Options) (*Bwrap, error) {
	path, err := findBwrap(opts.Path)
	if err != nil {
		return nil, err
	}
	b := &Bwrap{path: path, grace: opts.Grace, userNamespace: os.Geteuid() != 0}
	if b.grace <= 0 {
		b.grace = defaultGrace
	}
	if err := b.probe(ctx); err != nil {
		return nil, err
	}
	return b, nil
}

// findBwrap looks in fixed places, because the answer must not depend on the
// caller's PATH.
func findBwrap(path string) (string, error) {
	candidates := []string{"/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"}
	if path != "" {
		candidates = []string{path}
	}
	for _, c := range candidates {
		info, err := os.Stat(c)
		if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return c, nil
		}
	}
	return "", fmt.Errorf("bubblewrap: no program at %s: install the package bubblewrap: %w",
		strings.Join(candidates, ", "), fs.ErrNotExist)
}

// probe lets bubblewrap run itself inside the same namespaces as Run, over the
// host's tree read-only.
func (b *Bwrap) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	args := b.isolationArgs(Spec{})
	args = append(args, capabilityArgs(Spec{})...)
	args = append(args, "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev",
		"--perms", "1777", "--tmpfs", "/dev/shm", "--", b.path, "--version")
	cmd := exec.CommandContext(ctx, b.path, args...)
	cmd.Env = []string{}
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	said := strings.TrimSpace(string(out))
	return fmt.Errorf("bubblewrap at %s cannot make a sandbox here: %s: %w%s", b.path, said, err, b.hint(said, err))
}

// hint turns what bubblewrap says into what to do about it.
func (b *Bwrap) hint(said string, err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return ""
	case strings.Contains(said, "Unknown option"):
		return " (version 0.8 or newer is needed)"
	case b.userNamespace:
		return " (run as root, or allow unprivileged user namespaces)"
	case strings.Contains(said, "not permitted"), strings.Contains(said, "Permission denied"):
		return " (inside a container, run it privileged)"
	}
	return ""
}
