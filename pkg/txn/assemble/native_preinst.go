package assemble

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
)

// controlDir is where dpkg keeps the control files while it unpacks. Scripts find
// their templates and the like beside themselves.
const controlDir = adminDir + "/tmp.ci"

// preinst runs the preinst of a package as dpkg does, with everything that was
// unpacked before in place, and plans anew: the script may have diverted files or
// made accounts. If the case is not a simple one any more the package is dpkg's,
// which runs the script once more. Scripts have to bear that (Debian Policy 6.2).
func (u *unpacking) preinst(ctx context.Context, p *plan) (reason string, err error) {
	before := u.db.entries
	half, err := halfInstalled(p)
	if err != nil {
		return "", err
	}
	u.db.entries = append(slices.Clone(before), half)
	u.db.changed = true
	if err := u.flush(ctx); err != nil {
		return "", err
	}
	u.db.entries, u.db.changed = before, true
	if err := u.runPreinst(ctx, p); err != nil {
		return "", err
	}
	if reason, err = u.planAnew(ctx, p); err != nil {
		return "", &PackageError{
			Package: p.pkg.Name, Action: "unpack", Message: "after its preinst: " + err.Error(),
			Log: u.cage.logs.tail.Lines(), LogPath: u.cage.logs.path(p.pkg.Name), Err: err,
		}
	}
	return reason, nil
}

// planAnew plans with what the preinst has left, which may be nothing.
func (u *unpacking) planAnew(ctx context.Context, p *plan) (reason string, err error) {
	u.view.forget()
	root, err := os.OpenRoot(u.cage.Root())
	if err != nil {
		return "", err
	}
	defer root.Close()
	if err := errors.Join(u.db.readPlaces(root), u.startTree()); err != nil {
		return "", err
	}
	if reason, err = u.planFiles(ctx, p); reason != "" {
		// dpkg must not find the package in the middle of something.
		return reason, errors.Join(err, u.db.write(root))
	}
	return "", err
}

// halfInstalled is what the database says while the preinst runs.
func halfInstalled(p *plan) (dpkg.Entry, error) {
	text := fmt.Sprintf("Package: %s\nStatus: install reinstreq half-installed\nArchitecture: %s\nVersion: %s\n", p.pkg.Name, p.pkg.Architecture, p.pkg.Version)
	if p.pkg.MultiArch != "" {
		text += "Multi-Arch: " + p.pkg.MultiArch + "\n"
	}
	paragraph, err := deb822.Parse(text)
	if err != nil {
		return dpkg.Entry{}, err
	}
	e, err := dpkg.Unpacked(paragraph, nil)
	e.Flag, e.State = "reinstreq", "half-installed"
	return e, err
}

// runPreinst puts the control files in place and runs the script.
func (u *unpacking) runPreinst(ctx context.Context, p *plan) (err error) {
	root, err := os.OpenRoot(u.cage.Root())
	if err != nil {
		return err
	}
	defer root.Close()
	if err := errors.Join(root.RemoveAll(controlDir), makeDir(root, controlDir, 0o755)); err != nil {
		return err
	}
	for name, file := range p.cached.Control {
		mode := file.Mode.Perm()
		if name == "preinst" {
			mode |= 0o111
		}
		if err := replaceFile(root, controlDir+"/"+name, file.Data, mode); err != nil {
			return err
		}
	}
	unlock, err := lockDatabase(root)
	if err != nil {
		return err
	}
	err = u.cage.runPreinst(ctx, p, u.environment(p))
	return errors.Join(err, unlock(), root.RemoveAll(controlDir))
}

// lockDatabase keeps a script from running dpkg, as the dpkg does that runs one.
func lockDatabase(root *os.Root) (unlock func() error, err error) {
	var files []*os.File
	unlock = func() (err error) {
		for _, f := range files {
			err = errors.Join(err, f.Close())
		}
		return err
	}
	for _, name := range []string{"lock-frontend", "lock"} {
		f, err := root.OpenFile(adminDir+"/"+name, os.O_RDWR|os.O_CREATE, 0o640)
		if err != nil {
			return nil, errors.Join(err, unlock())
		}
		files = append(files, f)
		if err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}); err != nil {
			return nil, errors.Join(fmt.Errorf("lock /%s/%s: %w", adminDir, name, err), unlock())
		}
	}
	return unlock, nil
}

// environment is what dpkg gives to scripts, dpkg(1).
func (u *unpacking) environment(p *plan) []string {
	force := "security-mac,downgrade,unsafe-io,confold,confdef"
	if u.forced() {
		force += ",depends"
	}
	version := u.version
	if version == "" {
		version = u.db.version
	}
	return []string{
		"DPKG_ADMINDIR=/" + adminDir,
		"DPKG_FORCE=" + force,
		"DPKG_MAINTSCRIPT_ARCH=" + p.pkg.Architecture,
		"DPKG_MAINTSCRIPT_DEBUG=0",
		"DPKG_MAINTSCRIPT_NAME=preinst",
		"DPKG_MAINTSCRIPT_PACKAGE=" + p.pkg.Name,
		"DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1",
		"DPKG_ROOT=",
		"DPKG_RUNNING_VERSION=" + version,
	}
}

// runPreinst runs the script that is in place.
func (c *Cage) runPreinst(ctx context.Context, p *plan, env []string) error {
	c.logs.switchTo(p.pkg.Name)
	defer c.logs.close()
	fmt.Fprintf(c.logs, "Preparing to unpack %s (%s) ...\n", p.pkg.Name, p.pkg.Version) // never fails
	spec := c.spec([]string{"/" + controlDir + "/preinst", "install"})
	spec.Env = append(slices.Clone(spec.Env), env...)
	err := c.runLogged(ctx, p.pkg.Name, spec)
	if failure, ok := errors.AsType[*ScriptError](err); ok {
		failure.Package, failure.Phase = p.pkg.Name, "preinst"
	}
	return err
}
