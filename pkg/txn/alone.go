package txn

import (
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// planAlone plans the changes that make no new deployment, and says whether it is one.
func (s *System) planAlone(ctx context.Context, p *Plan) (bool, error) {
	switch c := p.Change; {
	case c.Rollback:
		return true, s.planRollback(ctx, p)
	case c.Finalize != nil:
		return true, s.planFinalize(ctx, p)
	case c.Cleanup != nil:
		return true, s.planCleanup(p)
	case c.Prune != nil:
		return true, s.planPrune(ctx, p)
	case c.RefreshMetadata != nil:
		return true, s.planRefresh(p)
	case c.Pin != nil:
		return true, s.planPin(p)
	case c.Unlock != "":
		return true, s.planUnlock(p)
	}
	return false, nil
}

// Pin says which deployments are kept whatever is deployed later.
type Pin struct {
	// Index are places in the list of all deployments, which begins with 0.
	Index []int `json:"index"`
	// Off lets go of them.
	Off bool `json:"off,omitempty"`
}

// planPin finds the deployments. They may be of any stateroot.
func (s *System) planPin(p *Plan) error {
	if len(p.Change.Pin.Index) == 0 {
		return errors.New("which deployments are to be pinned?")
	}
	p.Stage = false
	var chosen []deploy.Deployment
	for _, index := range p.Change.Pin.Index {
		if index < 0 || index >= len(p.all) {
			return &RequestError{Message: fmt.Sprintf("there is no deployment %d; there are %d, counted from 0", index, len(p.all))}
		}
		if p.all[index].Staged {
			return deploy.ErrPinStaged
		}
		chosen = append(chosen, p.all[index])
	}
	title := "Pinning"
	if p.Change.Pin.Off {
		title = "Unpinning"
	}
	p.standalone = []step.Step{{Name: title, Commit: true, Do: func(ctx context.Context, task *step.Task) error {
		var failed []error
		for _, d := range chosen {
			changed, err := s.sysroot.Pin(ctx, d, !p.Change.Pin.Off)
			failed = append(failed, err)
			task.Infof("%s", pinText(d, !p.Change.Pin.Off, changed))
		}
		return errors.Join(failed...)
	}}}
	return nil
}

func pinText(d deploy.Deployment, on, changed bool) string {
	word := "unpinned"
	if on {
		word = "pinned"
	}
	if !changed {
		word = "already " + word
	}
	return fmt.Sprintf("Deployment %d is %s", d.Index, word)
}

// planUnlock makes sure that there is a running system to be unlocked.
func (s *System) planUnlock(p *Plan) error {
	mode := p.Change.Unlock
	switch mode {
	case deploy.UnlockDevelopment, deploy.UnlockHotfix, deploy.UnlockTransient:
	default:
		return fmt.Errorf("unlock %q: neither %s nor %s nor %s", mode, deploy.UnlockDevelopment, deploy.UnlockTransient, deploy.UnlockHotfix)
	}
	if !p.Stage {
		return fmt.Errorf("only the /usr of a running system can be unlocked: %w", deploy.ErrNotBooted)
	}
	p.standalone = []step.Step{{Name: "Unlocking /usr", Commit: true, Do: func(ctx context.Context, task *step.Task) error {
		if err := s.sysroot.Unlock(ctx, mode); err != nil {
			return err
		}
		switch mode {
		case deploy.UnlockHotfix:
			task.Infof("Hotfix mode enabled. A writable overlayfs is now mounted on /usr for this booted deployment, and stays when it boots again. A copy of it without changes is kept to roll back to.")
		case deploy.UnlockTransient:
			task.Infof("A writable overlayfs is prepared for /usr, read-only by default; remount it in a mount namespace to write. It goes at the next reboot.")
		case deploy.UnlockDevelopment:
			task.Infof("Development mode enabled. A writable overlayfs is now mounted on /usr. All changes there are discarded at the next reboot.")
		}
		return nil
	}}}
	return nil
}

// RefreshMetadata says how archive metadata is refreshed.
type RefreshMetadata struct {
	// Force fetches it anew, whether or not it has changed.
	Force bool `json:"force,omitempty"`
}

// planRefresh needs a deployment, whose APT sources they are.
func (s *System) planRefresh(p *Plan) error {
	if len(p.boot) == 0 {
		return &NoDeploymentError{Sysroot: s.path, Stateroot: p.Stateroot, Need: 1}
	}
	p.Stage = false
	p.standalone = []step.Step{{Name: "Updating archive metadata", Commit: true, Do: func(ctx context.Context, task *step.Task) error {
		if p.Change.RefreshMetadata.Force {
			if err := s.forgetMetadata(p.Stateroot); err != nil {
				return err
			}
		}
		net := online
		if p.Change.CacheOnly {
			net = offline
		}
		archive, err := s.openArchive(ctx, p.boot[0], net)
		if err != nil {
			return err
		}
		task.Infof("Archive metadata is up to date; packages: %d", archive.universe.Len())
		return errors.Join(archive.universe.Err(), archive.packages.Close())
	}}}
	return nil
}
