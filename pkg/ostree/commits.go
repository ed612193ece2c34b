package ostree

import (
	"context"
	"fmt"
	"slices"
)

// Commits lists the commit objects of the repository and of its parents, with
// or without a ref that leads to them, sorted by checksum. Partial commits, of
// which not everything is here, are among them, see [Repo.IsPartial].
func (r *Repo) Commits(ctx context.Context) ([]Checksum, error) {
	var all []Checksum
	for s := r.store; s != nil; s = s.next {
		here, err := s.commits(ctx)
		if err != nil {
			return nil, fmt.Errorf("commits of repository %s: %w", r.path, err)
		}
		all = append(all, here...)
	}
	slices.SortFunc(all, compareChecksums)
	return slices.Compact(all), nil
}

// Reachable returns the objects that commits need, themselves included, and as
// many of their parents as depth says, all if it is negative. What a partial
// commit lacks is left out.
func (r *Repo) Reachable(ctx context.Context, depth int, commits ...Checksum) (map[ObjectName]bool, error) {
	found := newReachable(r, nil)
	for _, c := range commits {
		if err := found.addCommit(ctx, c, depth); err != nil {
			return nil, err
		}
	}
	if err := found.walkTrees(ctx); err != nil {
		return nil, err
	}
	names := make(map[ObjectName]bool)
	for name := range found.objects.all() {
		names[name] = true
	}
	return names, nil
}
