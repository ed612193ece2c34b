package assemble

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
)

// An unpacker brings packages into the state "unpacked": their files are in
// the tree, configuration files as .dpkg-new, their preinst has run, and dpkg's
// database says so. The order of packages is one that dpkg can follow, and
// everything they Pre-Depend on is configured. Any of them may be installed in
// another version.
type unpacker interface {
	Unpack(ctx context.Context, c *Cage, packages []*apt.Package) error
}

// dpkgUnpacker is the unpacker that leaves the work to the tree's dpkg.
type dpkgUnpacker struct{}

func (dpkgUnpacker) Unpack(ctx context.Context, c *Cage, packages []*apt.Package) error {
	for len(packages) > 0 {
		n := 1
		for n < len(packages) && c.overwrites(packages[n]) == c.overwrites(packages[0]) {
			n++
		}
		args := append(c.unpackOptions(packages[0]), "--unpack")
		if err := c.Dpkg(ctx, append(args, debPaths(packages[:n])...)...); err != nil {
			return err
		}
		packages = packages[n:]
	}
	return nil
}

// overwrites tells whether the files of a package may replace those of others.
func (c *Cage) overwrites(p *apt.Package) bool { return slices.Contains(c.overwrite, p) }

// unpackOptions are those of dpkg for a package.
func (c *Cage) unpackOptions(p *apt.Package) []string {
	if c.overwrites(p) {
		return []string{"--no-triggers", "--force-overwrite"}
	}
	return []string{"--no-triggers"}
}

func debPaths(packages []*apt.Package) []string {
	paths := make([]string, len(packages))
	for i, p := range packages {
		paths[i] = debPath(p)
	}
	return paths
}

// dpkgOptions make dpkg ask nothing, keep what is configured already, stop at
// the first failure, and not wait for the disk.
func dpkgOptions() []string {
	return []string{
		"--force-confdef", "--force-confold", "--force-unsafe-io",
		"--abort-after=1", "--status-fd=3",
	}
}

// Dpkg runs the tree's dpkg with an action and its arguments. Output goes to
// the log of the package it is about. A script that fails gives a
// [*ScriptError], anything else that stops dpkg a [*PackageError].
func (c *Cage) Dpkg(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	m, err := startMonitor(c.logs, c.limit, c.see, cancel)
	if err != nil {
		return err
	}
	spec := c.spec(append(append([]string{"dpkg"}, dpkgOptions()...), args...))
	spec.Stdout, spec.Stderr = m.output.write, m.output.write
	spec.ExtraFiles = []*os.File{m.status.write}
	err = c.run(ctx, fmt.Sprintf("dpkg %s, %d in all", strings.Join(args[:min(2, len(args))], " "), len(args)), spec)
	if followed := m.stop(); followed != nil {
		return errors.Join(err, followed)
	}
	return c.explain(m, err)
}

func (c *Cage) see(line statusLine) {
	c.reports = append(c.reports, line)
	c.onState(line)
}

// explain turns the end of a run into who is to blame.
func (c *Cage) explain(m *monitor, err error) error {
	if errors.Is(err, errScriptTimeout) {
		return &ScriptError{
			Package: m.pkg, Phase: scriptPhase(m.action, m.state), Code: 128 + 9, Timeout: c.limit,
			Log: m.logs.tail.Lines(), LogPath: c.logs.path(m.subject()), Err: err,
		}
	}
	if m.failed != nil && (err == nil || isExit(err)) {
		return c.blame(m, err)
	}
	if !isExit(err) {
		return err
	}
	lines := m.logs.tail.Lines()
	return &PackageError{
		Package: m.pkg, Action: verbOf(m.action), Message: dpkgMessage(lines, err),
		Log: lines, LogPath: c.logs.path(m.subject()), Err: err,
	}
}

// blame reads the first failure that dpkg reported.
func (c *Cage) blame(m *monitor, err error) error {
	pkg := bareName(m.failed.subject)
	if strings.Contains(pkg, "/") {
		pkg, _, _ = strings.Cut(path.Base(pkg), "_") // the name of a .deb
	}
	script, ok := parseScriptFailure(m.failed.value)
	if !ok {
		return &PackageError{
			Package: pkg, Action: verbOf(m.failedAction), Message: m.failed.value,
			Log: m.failedTail, LogPath: c.logs.path(pkg), Err: err,
		}
	}
	phase := script.script
	if m.failedAction == "trigproc" {
		phase = "trigger"
	}
	return &ScriptError{
		Package: pkg, Phase: phase, Code: script.code, Signal: script.signal,
		Log: m.failedTail, LogPath: c.logs.path(pkg), Err: err,
	}
}

// subject is whose log is being written.
func (m *monitor) subject() string {
	if m.pkg == "" {
		return "dpkg"
	}
	return m.pkg
}

func isExit(err error) bool {
	_, ok := errors.AsType[*sandbox.ExitError](err)
	return ok
}

// dpkgMessage finds the line in which dpkg says why it gave up.
func dpkgMessage(lines []string, err error) string {
	for _, line := range lines {
		if message, ok := strings.CutPrefix(line, "dpkg: error: "); ok {
			return message
		}
		if _, message, ok := strings.Cut(line, "dpkg: unrecoverable fatal error, aborting:"); ok {
			return strings.TrimSpace(message + " " + after(lines, line))
		}
	}
	if len(lines) > 0 {
		return lines[len(lines)-1]
	}
	return err.Error()
}

// after is the line that follows one: dpkg puts the reason there.
func after(lines []string, line string) string {
	for i, l := range lines {
		if l == line && i+1 < len(lines) {
			return strings.TrimSpace(lines[i+1])
		}
	}
	return ""
}

// verbOf names an action as users know it.
func verbOf(action string) string {
	switch action {
	case "install", "upgrade":
		return "unpack"
	case "trigproc":
		return "trigger"
	case "":
		return "dpkg"
	}
	return action
}

// configure runs the postinst of packages that are unpacked, none: of all that
// wait for it, together with the triggers that are pending.
func (c *Cage) configure(ctx context.Context, packages []*apt.Package) error {
	if len(packages) == 0 {
		return c.Dpkg(ctx, "--configure", "--pending")
	}
	args := []string{"--no-triggers", "--configure"}
	for _, p := range packages {
		args = append(args, qualified(p))
	}
	return c.Dpkg(ctx, args...)
}

// qualified is the name of a package for dpkg, with the architecture wherever
// two of a name can be installed.
func qualified(p *apt.Package) string {
	if p.Architecture == "" || p.Architecture == "all" {
		return p.Name
	}
	return p.Name + ":" + p.Architecture
}

// purge removes packages with their configuration. What depends on them is
// replaced or removed in the same build, which dpkg cannot know.
func (c *Cage) purge(ctx context.Context, names []string) error {
	if err := c.Dpkg(ctx, append([]string{"--no-triggers", "--force-depends", "--purge"}, names...)...); err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	return nil
}
