package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// staging is what /run/ostree/staged-deployment says, the file by which a deployment waits for
// shutdown. It is an a{sv} and shared with libostree.
type staging struct {
	// target is the deployment, as far as the file describes it.
	target Deployment
	// merge names the deployment whose configuration it gets, nil for none. Only stateroot, checksum
	// and serial are set.
	merge *Deployment
	// ownArgs says that it has kernel arguments of its own; without, it gets those that the merge
	// deployment has by then.
	ownArgs bool
	// locked keeps it from being finalized.
	locked bool
}

func (s *Sysroot) stagedPath() string {
	return filepath.Join(s.opts.runDir(), "ostree/staged-deployment")
}

// lockedPath is the file whose presence means locked. Older versions of libostree know only that,
// newer ones the key as well.
func (s *Sysroot) lockedPath() string { return s.stagedPath() + "-locked" }

// stagedInitrds is where additional initrds wait for finalization.
func (s *Sysroot) stagedInitrds() string {
	return filepath.Join(s.opts.runDir(), "ostree/staged-initrds")
}

// addStaged puts the deployment that takes effect at shutdown in front of the list.
func (s *Sysroot) addStaged(ctx context.Context, st *state) error {
	data, err := os.ReadFile(s.stagedPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	staged, err := parseStaging(data)
	if err != nil {
		return &CorruptError{Path: s.stagedPath(), Err: err}
	}
	d := &staged.target
	if err := s.fill(ctx, d, host{}); err != nil {
		return fmt.Errorf("staged deployment: %w", err)
	}
	if _, err := os.Lstat(s.lockedPath()); err == nil {
		staged.locked = true
	}
	d.Locked = staged.locked
	if staged.merge != nil && !staged.ownArgs {
		if merge := st.find(staged.merge.Same); merge != nil {
			d.args, d.Kargs = merge.args, merge.Kargs
		}
	}
	st.staging = staged
	st.deployments = append([]Deployment{*d}, st.deployments...)
	return nil
}

// encode makes the content of the file. Keys, their order and their absence are libostree's.
func (g *staging) encode() []byte {
	entries := []gvariant.Entry{{Key: "target", Value: encodeTarget(g.target)}}
	if g.merge != nil {
		entries = append(entries, gvariant.Entry{Key: "merge-deployment", Value: encodeTarget(*g.merge)})
	}
	if g.ownArgs {
		entries = append(entries, gvariant.Entry{Key: "kargs", Value: gvariant.Strings(g.target.args)})
	}
	if len(g.target.overlays) > 0 {
		entries = append(entries, gvariant.Entry{Key: "overlay-initrds", Value: gvariant.Strings(g.target.overlays)})
	}
	if g.locked {
		entries = append(entries, gvariant.Entry{Key: "locked", Value: gvariant.Bool(true)})
	}
	if extra := g.target.extraKeys(); len(extra) > 0 {
		entries = append(entries, gvariant.Entry{Key: "bootconfig-extra", Value: gvariant.Array("{ss}", extra...)})
	}
	return gvariant.Dict(entries...).Data()
}

func encodeTarget(d Deployment) gvariant.Value {
	return gvariant.Dict(
		gvariant.Entry{Key: "name", Value: gvariant.String(d.Name())},
		gvariant.Entry{Key: "osname", Value: gvariant.String(d.Stateroot)},
		gvariant.Entry{Key: "bootcsum", Value: gvariant.String(d.BootChecksum)},
	)
}

// extraKeys are the keys of the boot entry that cannot be made anew.
func (d Deployment) extraKeys() []gvariant.Value {
	var extra []gvariant.Value
	for _, key := range d.entry.Keys() {
		switch key {
		case bootentry.KeyTitle, bootentry.KeyVersion, bootentry.KeyOptions, bootentry.KeyLinux,
			bootentry.KeyInitrd, bootentry.KeyDeviceTree, bootentry.KeyDTBDir:
		default:
			extra = append(extra, gvariant.Pair(gvariant.String(key), gvariant.String(d.entry.Get(key))))
		}
	}
	return extra
}

// parseStaging reads the file; unknown keys are skipped.
func parseStaging(data []byte) (*staging, error) {
	dict, err := gvariant.Parse("a{sv}", data)
	if err != nil {
		return nil, err
	}
	g := new(staging)
	target, ok, err := dict.Lookup("target")
	if err != nil || !ok {
		return nil, errors.Join(errors.New("key target is missing"), err)
	}
	if g.target, err = parseTarget(target); err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	g.target.Staged = true
	for key, read := range map[string]func(gvariant.Value) error{
		"merge-deployment": func(v gvariant.Value) error {
			merge, err := parseTarget(v)
			g.merge = &merge
			return err
		},
		"kargs": func(v gvariant.Value) error {
			args, err := v.Strings()
			g.target.Kargs, g.target.args, g.ownArgs = userArgs(args), args, true
			return err
		},
		"overlay-initrds":  func(v gvariant.Value) error { return parseOverlays(v, &g.target) },
		"locked":           func(v gvariant.Value) (err error) { g.locked, err = v.Bool(); return err },
		"bootconfig-extra": func(v gvariant.Value) error { return parseExtra(v, g.target.entry) },
	} {
		value, ok, err := dict.Lookup(key)
		if err == nil && ok {
			err = read(value)
		}
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", key, err)
		}
	}
	return g, nil
}

// parseTarget reads the description of a deployment.
func parseTarget(v gvariant.Value) (Deployment, error) {
	d := Deployment{entry: new(bootentry.Entry)}
	var name string
	for key, field := range map[string]*string{"name": &name, "osname": &d.Stateroot, "bootcsum": &d.BootChecksum} {
		value, ok, err := v.Lookup(key)
		if err != nil || !ok {
			return d, errors.Join(fmt.Errorf("key %s is missing", key), err)
		}
		if *field, err = value.Str(); err != nil {
			return d, err
		}
	}
	var ok bool
	if d.Checksum, d.Serial, ok = parseDeploymentName(name); !ok || !staterootName.MatchString(d.Stateroot) {
		return d, fmt.Errorf("%q in stateroot %q is not a deployment", name, d.Stateroot)
	}
	if !bootChecksumPattern.MatchString(d.BootChecksum) {
		return d, fmt.Errorf("%q is not a boot checksum", d.BootChecksum)
	}
	return d, nil
}

// bootChecksumPattern is what names a kernel, and an additional initrd, in /boot.
var bootChecksumPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// parseOverlays reads the names of additional initrds.
func parseOverlays(v gvariant.Value, d *Deployment) error {
	names, err := v.Strings()
	if err != nil {
		return err
	}
	for _, name := range names {
		if !bootChecksumPattern.MatchString(name) {
			return fmt.Errorf("%q is not the checksum of an initrd", name)
		}
	}
	d.overlays = names
	return nil
}

// parseExtra reads additional keys of the boot entry, an a{ss}.
func parseExtra(v gvariant.Value, e *bootentry.Entry) error {
	for _, item := range v.Children() {
		key, value, err := item.KeyValue()
		if err != nil {
			return err
		}
		text, err := value.Str()
		if err != nil {
			return err
		}
		e.Set(key, text)
	}
	return nil
}

// writeStaging makes a deployment wait for shutdown.
func (s *Sysroot) writeStaging(g *staging) error {
	if err := os.MkdirAll(filepath.Dir(s.stagedPath()), 0o755); err != nil {
		return err
	}
	return fsx.WriteFile(s.stagedPath(), g.encode(), 0o644)
}
