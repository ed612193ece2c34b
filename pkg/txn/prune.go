package txn

import (
	"context"
	"errors"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Prune says how many old deployments are kept. Limits that are zero are none. Deployments that are
// pinned, running or boot next are never dropped; the others are, the last of the list first.
// Packages and commits that no deployment has go in any case.
type Prune struct {
	// Keep is how many deployments of the stateroot stay, at least.
	Keep int `json:"keep,omitempty"`
	// OlderThan drops deployments of commits that are older.
	OlderThan time.Duration `json:"older-than,omitempty"`
	// MaxSize drops deployments until the objects in the repository have this many bytes at most.
	MaxSize int64 `json:"max-size,omitempty"`
}

// planPrune decides on the deployments that go.
func (s *System) planPrune(ctx context.Context, p *Plan) error {
	limit := p.Change.Prune
	if limit.Keep < 0 || limit.OlderThan < 0 || limit.MaxSize < 0 {
		return errors.New("limits of a prune cannot be negative")
	}
	p.Stage = false
	var drop, pinned []deploy.Deployment
	kept := len(p.boot)
	for i := len(p.boot) - 1; i > 0; i-- {
		d := p.boot[i]
		old := limit.OlderThan > 0 && s.opts.Clock().Sub(d.Timestamp) > limit.OlderThan
		over := limit.Keep > 0 && kept > limit.Keep
		large, err := s.exceeds(ctx, limit.MaxSize, p.all, drop)
		switch {
		case err != nil:
			return err
		case limit.OlderThan > 0 && limit.Keep > 0 && kept <= limit.Keep:
			continue // so many stay, however old
		case d.Booted || (!old && !over && !large):
			continue
		case d.Pinned:
			pinned = append(pinned, d)
			continue
		}
		drop = append(drop, d)
		kept--
	}
	p.drop(s, drop, pinned)
	return nil
}

// exceeds says whether the repository would still be larger than a limit without some deployments.
func (s *System) exceeds(ctx context.Context, limit int64, all, without []deploy.Deployment) (bool, error) {
	if limit == 0 {
		return false, nil
	}
	var commits []ostree.Checksum
	for _, d := range all {
		if !contains(without, d) {
			base, err := s.Base(ctx, d.Checksum)
			if err != nil {
				return false, err
			}
			commits = append(commits, d.Checksum, base)
		}
	}
	objects, err := s.Repo().Reachable(ctx, 0, commits...)
	if err != nil {
		return false, err
	}
	var total int64
	for name := range objects {
		size, err := s.Repo().StorageSize(ctx, name)
		if errors.Is(err, ostree.ErrObjectNotFound) {
			continue // of a base that was not pulled in whole
		}
		if err != nil {
			return false, err
		}
		total += int64(size)
	}
	return total > limit, nil
}

func contains(list []deploy.Deployment, d deploy.Deployment) bool {
	for _, have := range list {
		if have.Same(d) {
			return true
		}
	}
	return false
}
