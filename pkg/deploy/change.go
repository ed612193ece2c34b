package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
)

// SetDefault makes a deployment the one that boots next by moving it to the front of the list.
func (s *Sysroot) SetDefault(ctx context.Context, d Deployment) error {
	return s.change(ctx, "make "+d.Name()+" the default", func(list []Deployment) ([]Deployment, error) {
		at, err := indexOf(list, d)
		if err != nil {
			return nil, err
		}
		first := list[at]
		if first.file.Counted && (first.file.TriesLeft == 0 || first.BootFailure != "") {
			first.file = bootentry.Name{} // It gets a new chance.
		}
		return slices.Insert(slices.Delete(slices.Clone(list), at, at+1), 0, first), nil
	})
}

// Undeploy removes a deployment from the list. Its files go with the next [Sysroot.Cleanup]. The
// running deployment cannot be removed: that is a [*BootedError].
func (s *Sysroot) Undeploy(ctx context.Context, d Deployment) error {
	return s.change(ctx, "undeploy "+d.Name(), func(list []Deployment) ([]Deployment, error) {
		at, err := indexOf(list, d)
		if err != nil {
			return nil, err
		}
		return slices.Delete(slices.Clone(list), at, at+1), nil
	})
}

// UndeployAll removes several deployments from the list, in one step; see [Sysroot.Undeploy].
func (s *Sysroot) UndeployAll(ctx context.Context, drop []Deployment) error {
	return s.change(ctx, fmt.Sprintf("undeploy %d deployments", len(drop)), func(list []Deployment) ([]Deployment, error) {
		list = slices.Clone(list)
		for _, d := range drop {
			at, err := indexOf(list, d)
			if err != nil {
				return nil, err
			}
			list = slices.Delete(list, at, at+1)
		}
		return list, nil
	})
}

// Rollback swaps the first two deployments of a stateroot, so that the second one boots next, and
// returns that one. A second rollback undoes the first. An empty name means the stateroot that
// [Sysroot.Deploy] would use.
func (s *Sysroot) Rollback(ctx context.Context, stateroot string) (*Deployment, error) {
	var target Deployment
	err := s.changeState(ctx, "roll back", func(st *state) ([]Deployment, error) {
		name, err := s.stateroot(stateroot, st)
		if err != nil {
			return nil, err
		}
		var places []int
		for i, d := range st.deployments {
			if d.Stateroot == name {
				places = append(places, i)
			}
		}
		if len(places) < 2 {
			return nil, &NotFoundError{Name: fmt.Sprintf("to roll back to: stateroot %s has %d", name, len(places))}
		}
		list := slices.Clone(st.deployments)
		target = list[places[1]]
		list[places[0]], list[places[1]] = list[places[1]], list[places[0]]
		return list, nil
	})
	if err != nil {
		return nil, err
	}
	return s.reload(context.WithoutCancel(ctx), target)
}

// ErrPinStaged says that a staged deployment cannot be pinned: it has no place in the list yet.
var ErrPinStaged = errors.New("a staged deployment cannot be pinned before it is finalized")

// Pin keeps a deployment in the list, whatever is deployed later, or stops doing so. It reports
// whether that changed anything.
func (s *Sysroot) Pin(ctx context.Context, d Deployment, on bool) (changed bool, err error) {
	if d.Staged {
		return false, ErrPinStaged
	}
	err = s.editOrigin(ctx, d, func(o *origin.Origin) *origin.Origin {
		changed = o.Pinned != on
		o.Pinned = on
		return o
	})
	return changed && err == nil, err
}

// SetOrigin replaces the origin file of a deployment, at once and without a new deployment.
func (s *Sysroot) SetOrigin(ctx context.Context, d Deployment, o *origin.Origin) error {
	return s.editOrigin(ctx, d, func(*origin.Origin) *origin.Origin { return o })
}

// editOrigin rewrites the origin file of a deployment.
func (s *Sysroot) editOrigin(ctx context.Context, d Deployment, edit func(*origin.Origin) *origin.Origin) error {
	unlock, err := s.hold(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	found, err := s.reload(ctx, d)
	if err != nil {
		return err
	}
	o := found.Origin
	if o == nil {
		o = new(origin.Origin)
	}
	if err := fsx.WriteFile(s.originPath(*found), edit(o.Clone()).Bytes(), 0o644); err != nil {
		return fmt.Errorf("write origin of %s: %w", d.Name(), err)
	}
	return s.touch()
}

// change writes a list that is made from the current one.
func (s *Sysroot) change(ctx context.Context, what string, edit func([]Deployment) ([]Deployment, error)) error {
	return s.changeState(ctx, what, func(st *state) ([]Deployment, error) { return edit(st.deployments) })
}

func (s *Sysroot) changeState(ctx context.Context, what string, edit func(*state) ([]Deployment, error)) error {
	unlock, err := s.hold(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	st, err := s.load(ctx)
	if err != nil {
		return err
	}
	list, err := edit(st)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if _, err := s.write(ctx, st, list, func(string) {}); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// indexOf finds a deployment in a list.
func indexOf(list []Deployment, d Deployment) (int, error) {
	at := slices.IndexFunc(list, d.Same)
	if at < 0 {
		return 0, &NotFoundError{Name: d.Name()}
	}
	return at, nil
}
