package txn

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/pkgcache"
)

// dropPackages removes packages from the package cache that no deployment has. Their files go when
// the repository is pruned.
func (s *System) dropPackages(ctx context.Context) error {
	_, err := s.dropUnused(ctx)
	return err
}

// dropUnused is dropPackages, and says how many it were.
func (s *System) dropUnused(ctx context.Context) (int, error) {
	deployments, err := s.sysroot.Deployments(ctx)
	if err != nil {
		return 0, err
	}
	needed := map[pkgcache.Key]bool{}
	for _, d := range deployments {
		commit, err := s.Repo().LoadCommit(ctx, d.Checksum)
		if err != nil {
			return 0, err
		}
		for _, k := range assemble.PackageKeys(commit) {
			needed[k] = true
		}
	}
	return pkgcache.New(s.Repo()).Drop(ctx, func(k pkgcache.Key) bool { return needed[k] })
}
