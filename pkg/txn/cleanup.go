package txn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// Cleanup says what is dropped.
type Cleanup struct {
	// Pending drops deployments that would boot instead of the running one, staged ones as well; Rollback
	// those after it. Pinned ones and those of other stateroots stay.
	Pending  bool `json:"pending,omitempty"`
	Rollback bool `json:"rollback,omitempty"`
	// Base drops what interrupted and download-only changes left.
	Base bool `json:"base,omitempty"`
	// Metadata drops what was downloaded from archives.
	Metadata bool `json:"repomd,omitempty"`
}

// planCleanup finds out which deployments go. Without a running one the first stays.
func (s *System) planCleanup(p *Plan) error {
	c := p.Change.Cleanup
	if *c == (Cleanup{}) {
		return errors.New("what is to be cleaned up? Pending or rollback deployments, base or archive metadata")
	}
	p.Stage = false
	turn := 0
	for i, d := range p.boot {
		if d.Booted {
			turn = i
		}
	}
	var drop, pinned []deploy.Deployment
	for i, d := range p.boot {
		switch {
		case d.Booted || i == turn || (i < turn && !c.Pending) || (i > turn && !c.Rollback):
		case d.Pinned:
			pinned = append(pinned, d)
		default:
			drop = append(drop, d)
		}
	}
	p.drop(s, drop, pinned)
	steps := []step.Step{}
	if c.Base {
		steps = append(steps, step.Step{Name: "Dropping what interrupted changes left", Do: func(ctx context.Context, _ *step.Task) error {
			return errors.Join(assemble.Sweep(assemble.ScratchDir(s.Repo().Path())), s.release(ctx))
		}})
	}
	if c.Metadata {
		steps = append(steps, step.Step{Name: "Dropping archive metadata", Do: func(context.Context, *step.Task) error {
			return s.forgetMetadata(p.Stateroot)
		}})
	}
	p.standalone = append(steps, p.standalone...)
	return nil
}

// drop plans to drop deployments and to free what they held. The commit point is their leaving the
// list; what cannot be removed from disk then is named, and the next cleanup tries again.
func (p *Plan) drop(s *System, drop, pinned []deploy.Deployment) {
	for _, d := range drop {
		p.Dropped = append(p.Dropped, d.Stateroot+"/"+d.Name())
	}
	p.standalone = []step.Step{
		{Name: "Dropping deployments", Commit: true, Do: func(ctx context.Context, task *step.Task) error {
			for _, d := range pinned {
				task.Infof("Deployment %d (%s) is kept, since it is pinned", d.Index, describeVersion(d))
			}
			if len(drop) == 0 {
				task.Infof("Deployments unchanged.")
				return nil
			}
			return s.sysroot.UndeployAll(ctx, drop)
		}},
		{Name: "Cleaning up", Do: func(ctx context.Context, task *step.Task) error {
			packages, err := s.dropUnused(ctx)
			report, cleanup := s.sysroot.Cleanup(ctx)
			if report != nil {
				task.Infof("Freed: %s (pkgcache branches: %d)", decimal(report.Freed), packages)
			}
			return errors.Join(err, cleanup)
		}},
	}
}

func describeVersion(d deploy.Deployment) string {
	if d.Version != "" {
		return d.Version
	}
	return d.Checksum.String()[:12]
}

// forgetMetadata removes what was fetched from archives for a stateroot.
func (s *System) forgetMetadata(stateroot string) error {
	entries, err := os.ReadDir(s.cacheDir(stateroot))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	failed := []error{err}
	for _, e := range entries {
		failed = append(failed, os.RemoveAll(filepath.Join(s.cacheDir(stateroot), e.Name())))
	}
	return errors.Join(failed...)
}

// decimal prints bytes in decimal units, as GLib does, whose form scripts know.
func decimal(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	value, units := float64(n), "kMGTP"
	for value /= 1000; value >= 1000 && len(units) > 1; value /= 1000 {
		units = units[1:]
	}
	return strings.TrimSpace(fmt.Sprintf("%.1f %cB", value, units[0]))
}
