package assemble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
)

// Where the staged files appear in the cage. /run is a fresh tmpfs there.
const (
	stageTarget = "/run/apt-ostree"
	debTarget   = stageTarget + "/debs"
	toolTarget  = stageTarget + "/bin"
)

// defaultScriptTimeout is generous: the slowest scripts of Debian compile
// caches for a minute or two.
const defaultScriptTimeout = 5 * time.Minute

// A Cage is a tree under construction and the programs that work on it. It is
// not safe for concurrent use.
type Cage struct {
	dir       string
	scratch   *scratch // nil when closed
	runner    sandbox.Runner
	log       *slog.Logger
	mounted   *sandbox.Mounted
	env       []string
	limit     time.Duration
	logs      *logs
	files     map[*apt.Package]string // as the caller has them
	overwrite []*apt.Package
	debs      map[*apt.Package]string // where they are staged on the host
	lower     string                  // the directory below all layers
	layers    []layer                 // the last one is mounted with its upper directory
	settled   []layer                 // those that are part of lower now
	onState   func(statusLine)
	reports   []statusLine // of all runs of dpkg
}

// openCage makes the scratch directory:
//
//	lower/  the base, which nothing writes to; lower-9/ the base and the first layers
//	upper/  what changes; upper-1/ and so on in further layers
//	work/   for the kernel
//	tree-1/ what a further layer begins with, which nothing writes to
//	root/   the mount: lower with the changes of upper
//	stage/  what programs in the cage can read at /run/apt-ostree
func openCage(in Input) (*Cage, error) {
	parent := in.WorkDir
	if parent == "" {
		parent = ScratchDir(in.Repo.Path())
	}
	parent, err := filepath.Abs(parent)
	if err != nil {
		return nil, err
	}
	s, err := newScratch(parent)
	if err != nil {
		return nil, err
	}
	c := &Cage{
		dir:       s.dir,
		scratch:   s,
		runner:    in.Runner,
		log:       in.Logger,
		env:       cageEnv(in.Timestamp),
		limit:     in.ScriptTimeout,
		logs:      &logs{dir: in.LogDir, started: time.Now()},
		files:     in.Debs,
		overwrite: in.Overwrite,
		debs:      map[*apt.Package]string{},
		lower:     "lower",
		layers:    []layer{{upper: "upper", work: "work"}},
		onState:   func(statusLine) {},
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.limit == 0 {
		c.limit = defaultScriptTimeout
	}
	if err := c.layOut(in.LogDir); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cage) layOut(logDir string) error {
	for _, name := range []string{"upper", "work", "root", "stage", "stage/debs", "stage/bin", "stage/scripts"} {
		if err := os.Mkdir(filepath.Join(c.dir, name), 0o755); err != nil {
			return err
		}
		if err := os.Chmod(filepath.Join(c.dir, name), 0o755); err != nil { // whatever the umask
			return err
		}
	}
	if logDir != "" {
		if err := os.MkdirAll(logDir, 0o755); err != nil {
			return fmt.Errorf("log directory: %w", err)
		}
	}
	return c.writeTools()
}

// cageEnv is the environment of every program. INITRD=No makes the kernel's
// hooks leave the initramfs alone, so that it is made once, at the end.
func cageEnv(epoch time.Time) []string {
	env := sandbox.DefaultEnv(epoch)
	for i, entry := range env {
		if path, ok := strings.CutPrefix(entry, "PATH="); ok {
			env[i] = "PATH=" + toolTarget + ":" + path
		}
	}
	return append(env, "INITRD=No")
}

// writeTools writes stand-ins for programs that have no business in a build.
// They come first in PATH instead of being mounted over the real ones, because
// dpkg cannot replace a file that something is mounted on.
//
// update-initramfs passes the wish on, so that whoever has an interest in that
// trigger, dracut for one, is run and we know. linux-check-removal asks whether
// to remove the running kernel, and no kernel is running here.
func (c *Cage) writeTools() error {
	const nothing = "#!/bin/sh\nexit 0\n"
	const trigger = "#!/bin/sh\n" +
		"[ -n \"$DPKG_MAINTSCRIPT_PACKAGE\" ] || exit 0\n" +
		"dpkg-trigger --no-await update-initramfs || true\n"
	tools := map[string]string{
		"update-initramfs":    trigger,
		"update-grub":         nothing,
		"grub-probe":          nothing,
		"linux-check-removal": nothing,
	}
	for name, text := range tools {
		if err := writeExecutable(filepath.Join(c.dir, "stage", "bin", name), text); err != nil {
			return err
		}
	}
	return nil
}

// writeExecutable writes a program that runs soon. A child that this process starts meanwhile would
// have it open for writing, if only up to its own exec, and until then running it is ETXTBSY.
func writeExecutable(path, text string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		return err
	}
	return os.Chmod(path, 0o755) // whatever the umask
}

// mount puts the overlay in place. With no lower directory yet, the tree is
// empty.
func (c *Cage) mount(ctx context.Context) error {
	lower := c.path("lower")
	if err := os.Mkdir(lower, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Stat(lower)
	if err != nil {
		return err
	}
	// The upper directory's own mode is that of the merged root.
	if err := os.Chmod(c.path("upper"), info.Mode().Perm()); err != nil {
		return err
	}
	return c.mountLayers(ctx)
}

func (c *Cage) unmount() error {
	if c.mounted == nil {
		return nil
	}
	mounted := c.mounted
	c.mounted = nil
	return mounted.Unmount()
}

// Close unmounts and removes everything. A second call does nothing.
func (c *Cage) Close() error {
	if c.scratch == nil {
		return nil
	}
	err := errors.Join(c.unmount(), c.scratch.remove())
	c.scratch = nil
	return err
}

func (c *Cage) path(name string) string { return filepath.Join(c.dir, name) }

// Root is the path of the merged tree on the host. What is written there ends
// up in the commit. Links in the tree may lead anywhere: use [os.OpenRoot].
func (c *Cage) Root() string { return c.path("root") }

// Deb returns the path of a package's .deb on the host, which it makes visible
// in the cage if it is not yet.
func (c *Cage) Deb(p *apt.Package) (string, error) {
	if path, ok := c.debs[p]; ok {
		return path, nil
	}
	file, ok := c.files[p]
	if !ok {
		return "", fmt.Errorf("package %s: no .deb was given", p)
	}
	staged := c.path("stage/debs/" + debName(p))
	if err := linkOrCopy(file, staged); err != nil {
		return "", fmt.Errorf("package %s: %w", p.Name, err)
	}
	if err := verifyDeb(staged, file, p); err != nil {
		return "", err
	}
	c.debs[p] = staged
	return staged, nil
}

// Run runs a program of the tree, such as a maintainer script. The output goes
// to the log of subject. phase is for the [*ScriptError] if it fails.
func (c *Cage) Run(ctx context.Context, subject, phase string, argv ...string) error {
	c.logs.switchTo(subject)
	defer c.logs.close()
	err := c.runLogged(ctx, subject, c.spec(argv))
	if failure, ok := errors.AsType[*ScriptError](err); ok {
		failure.Phase = phase
		if name := strings.TrimPrefix(subject, phase+" "); name != phase {
			failure.Name = name
		}
	}
	return err
}

// runLogged runs a program whose output goes to the log of subject, which is
// open. If it fails the error is a [*ScriptError].
func (c *Cage) runLogged(ctx context.Context, subject string, spec sandbox.Spec) error {
	spec.Timeout = c.limit
	spec.Stdout, spec.Stderr = c.logs, c.logs
	err := c.run(ctx, subject, spec)
	exit, ok := errors.AsType[*sandbox.ExitError](err)
	if !ok {
		return err
	}
	return &ScriptError{
		Code: exit.Code, Signal: exit.Signal, Timeout: exit.Timeout,
		Log: c.logs.tail.Lines(), LogPath: c.logs.path(subject), Err: err,
	}
}

// run runs a program and notes how long that took.
func (c *Cage) run(ctx context.Context, what string, spec sandbox.Spec) error {
	start := time.Now()
	err := c.runner.Run(ctx, spec)
	c.log.Debug("ran", "what", what, "took", time.Since(start))
	return err
}

// output runs a program that only answers a question.
func (c *Cage) output(ctx context.Context, argv ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	spec := c.spec(argv)
	spec.Timeout = c.limit
	spec.Stdout, spec.Stderr = &stdout, &stderr
	if err := c.runner.Run(ctx, spec); err != nil {
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// spec is how every program of a build runs.
func (c *Cage) spec(argv []string) sandbox.Spec {
	return sandbox.Spec{
		Root: c.Root(),
		Argv: argv,
		Env:  c.env,
		Mounts: []sandbox.Mount{
			{Kind: sandbox.Tmpfs, Target: "/var/tmp", Mode: 0o777 | fs.ModeSticky},
			{Kind: sandbox.ROBind, Source: c.path("stage"), Target: stageTarget},
		},
	}
}

// stageDebs makes all packages' files visible in the cage, as links to or
// copies of verified files, so that no directory of the host is.
func (c *Cage) stageDebs(ctx context.Context) error {
	for p := range c.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := c.Deb(p); err != nil {
			return err
		}
	}
	return nil
}

// debName is as in an archive, except that the epoch, which a name can do
// without, is left out there.
func debName(p *apt.Package) string {
	return p.Name + "_" + strings.ReplaceAll(p.Version.String(), ":", "%3a") + "_" + p.Architecture + ".deb"
}

// debPath is the name of a package's file in the cage.
func debPath(p *apt.Package) string { return debTarget + "/" + debName(p) }

func linkOrCopy(from, to string) error {
	real, err := filepath.EvalSymlinks(from)
	if err != nil {
		return err
	}
	err = os.Link(real, to)
	if err == nil || !errors.Is(err, unix.EXDEV) && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EMLINK) {
		return err
	}
	in, err := os.Open(real)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
