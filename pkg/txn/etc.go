package txn

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// EtcDiff is how the configuration of a deployment differs from its defaults, and what becomes of that
// when another commit is deployed.
type EtcDiff struct {
	// From is the deployment, by its ID in the status, whose /etc a new deployment starts from.
	From string `json:"from"`
	// Changes are the local changes.
	Changes []etcmerge.Change `json:"changes"`
	// To is the commit that they are carried to, Merge what comes of it; both are absent if nothing
	// else than From was named or boots next.
	To    string            `json:"to,omitempty"`
	Merge *etcmerge.Outcome `json:"merge,omitempty"`
}

// EtcDiff compares the configuration that the next deployment starts from with its defaults, and
// previews the merge into a commit; the zero checksum is that of the deployment that boots next. It takes
// no lock.
func (s *System) EtcDiff(ctx context.Context, to ostree.Checksum) (*EtcDiff, error) {
	first, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	from, err := s.sysroot.MergeDeployment(ctx, first.Stateroot)
	if err != nil {
		return nil, err
	}
	if to.IsZero() {
		to = first.Checksum
	}
	out := &EtcDiff{From: deploymentID(*from), Changes: []etcmerge.Change{}}
	changes, err := s.sysroot.DiffEtc(ctx, *from)
	if err != nil {
		return nil, err
	}
	out.Changes = append(out.Changes, changes...)
	if to == from.Checksum {
		return out, nil
	}
	out.To = to.String()
	out.Merge, err = s.sysroot.PreviewEtc(ctx, *from, to)
	return out, err
}
