package txn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

// Initramfs says whether the initramfs is made on this machine instead of being that of the base.
type Initramfs struct {
	Enable  bool `json:"enable,omitempty"`
	Disable bool `json:"disable,omitempty"`
	// Args are arguments for dracut, with Enable.
	Args []string `json:"args,omitempty"`
}

// InitramfsEtc says which files of /etc are loaded by the kernel as an initrd of their own, beside the
// initramfs. Their content is taken up with every change.
type InitramfsEtc struct {
	Track      []string `json:"track,omitempty"`
	Untrack    []string `json:"untrack,omitempty"`
	UntrackAll bool     `json:"untrack-all,omitempty"`
	// ForceSync takes up edited files and changes nothing else.
	ForceSync bool `json:"force-sync,omitempty"`
}

// editInitramfs edits the origin.
func (p *Plan) editInitramfs() error {
	if c := p.Change.Initramfs; c != nil {
		if err := p.switchInitramfs(c); err != nil {
			return err
		}
	}
	if c := p.Change.InitramfsEtc; c != nil {
		if err := p.trackEtc(c); err != nil {
			return err
		}
	}
	if p.origin.RegenerateInitramfs && len(p.origin.InitramfsEtc) > 0 {
		return &RequestError{Message: "files of /etc are tracked for the initramfs (" + strings.Join(p.origin.InitramfsEtc, ", ") +
			"), which excludes that it is made on this machine: it has them then; disable the one or untrack the others"}
	}
	return nil
}

func (p *Plan) switchInitramfs(c *Initramfs) error {
	o := p.origin
	switch {
	case c.Enable == c.Disable:
		return &RequestError{Message: "enable or disable the initramfs regeneration, one of both"}
	case c.Disable && len(c.Args) > 0:
		return &RequestError{Message: "arguments for the initramfs need it to be enabled"}
	case c.Disable && !o.RegenerateInitramfs:
		return &RequestError{Message: "initramfs regeneration state is already disabled"}
	case c.Enable && o.RegenerateInitramfs && slices.Equal(c.Args, o.InitramfsArgs):
		return &RequestError{Message: "initramfs regeneration state is already enabled, with the same arguments"}
	}
	o.RegenerateInitramfs, o.InitramfsArgs = c.Enable, c.Args
	return nil
}

func (p *Plan) trackEtc(c *InitramfsEtc) error {
	o := p.origin
	if c.UntrackAll {
		o.InitramfsEtc = nil
	}
	for _, file := range c.Untrack {
		at := slices.Index(o.InitramfsEtc, path.Clean(file))
		if at < 0 {
			return &RequestError{Message: fmt.Sprintf("%s is not tracked", file)}
		}
		o.InitramfsEtc = slices.Delete(o.InitramfsEtc, at, at+1)
	}
	for _, file := range c.Track {
		clean := path.Clean(file)
		if !strings.HasPrefix(clean, "/etc/") {
			return &RequestError{Message: "Path outside /etc forbidden: " + file}
		}
		if !slices.Contains(o.InitramfsEtc, clean) {
			o.InitramfsEtc = append(o.InitramfsEtc, clean)
		}
	}
	slices.Sort(o.InitramfsEtc)
	return nil
}

// planInitramfs prepares what a new initramfs needs, or the initrd with files of /etc.
func (s *System) planInitramfs(ctx context.Context, p *Plan) error {
	if p.origin.RegenerateInitramfs && p.solution == nil && p.kept.IsZero() {
		base, err := s.Packages(ctx, p.Base)
		if err != nil {
			return err
		}
		p.base, p.solution = base, &solve.Solution{Resulting: base}
	}
	if len(p.origin.InitramfsEtc) == 0 {
		return nil
	}
	merge, err := s.sysroot.MergeDeployment(ctx, p.Stateroot)
	if err != nil {
		return err
	}
	if merge == nil {
		return nil
	}
	var missing []string
	if p.initrd, missing, err = etcInitrd(ctx, merge.Path, p.origin.InitramfsEtc); err != nil {
		return err
	}
	for _, file := range missing {
		if c := p.Change.InitramfsEtc; c != nil && slices.Contains(c.Track, file) {
			return &RequestError{Message: file + ": there is no such file to be tracked"}
		}
		p.Warnings = append(p.Warnings, file+": tracked for the initramfs, but there is no such file; untrack it if it is not to come back")
	}
	if p.initrd == nil {
		return nil
	}
	sum := sha256.Sum256(p.initrd)
	p.InitramfsOverlay = hex.EncodeToString(sum[:])
	return nil
}

// writeInitrd writes the initrd to a file for the time of the deployment.
func (a *application) writeInitrd(options *deploy.DeployOptions) (remove func(), err error) {
	if a.plan.initrd == nil {
		return func() {}, nil
	}
	f, err := os.CreateTemp(filepath.Join(a.system.Repo().Path(), "tmp"), "initrd-")
	if err != nil {
		return nil, err
	}
	remove = func() {
		if err := os.Remove(f.Name()); err != nil {
			a.system.opts.Logger.Warn("a temporary file stays", "error", err)
		}
	}
	_, err = f.Write(a.plan.initrd)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		remove()
		return nil, err
	}
	options.OverlayInitrds = []string{f.Name()}
	return remove, nil
}
