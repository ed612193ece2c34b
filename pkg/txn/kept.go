package txn

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/debstore"
)

// keptPackages are the packages that a deployed commit is layered of, which the repository keeps: none for
// a base, nil if some are not kept, as in a commit of an older version of this program.
func (s *System) keptPackages(ctx context.Context, c ostree.Checksum) ([]*apt.Package, error) {
	commit, err := s.Repo().LoadCommit(ctx, c)
	if err != nil {
		return nil, err
	}
	list := []*apt.Package{}
	if !isLayered(commit) {
		return list, nil
	}
	sums, ok := keptDigests(commit)
	if !ok {
		return nil, nil
	}
	store := debstore.New(s.Repo())
	for _, sum := range sums {
		pkg, err := store.Load(ctx, sum)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		list = append(list, pkg)
	}
	return list, nil
}

// keptDigests are the SHA-256 of the packages that a commit is layered of, and whether it says so.
func keptDigests(c *ostree.Commit) ([]string, bool) {
	value, ok := c.Metadata.Lookup(keyDebs)
	if !ok {
		return nil, false
	}
	sums, err := value.Strings()
	return sums, err == nil
}

// localDigests are the SHA-256 of the packages that an origin names by them.
func localDigests(o *origin.Origin) []string {
	var sums []string
	for _, id := range slices.Concat(locals(o), o.OverrideReplaceLocal) {
		if digest, _, err := parseLocal(id); err == nil {
			sums = append(sums, digest)
		}
	}
	return sums
}
