package txn

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/pkgcache"
)

// dropPackages removes packages from the package cache that no deployment has. Their files go when
// the repository is pruned.
func (s *System) dropPackages(ctx context.Context) error {
	deployments, err := s.sysroot.Deployments(ctx)
	if err != nil {
		return err
	}
	needed := map[pkgcache.Key]bool{}
	for _, d := range deployments {
		commit, err := s.Repo().LoadCommit(ctx, d.Checksum)
		if err != nil {
			return err
		}
		for _, k := range assemble.PackageKeys(commit) {
			needed[k] = true
		}
	}
	_, err = pkgcache.New(s.Repo()).Drop(ctx, func(k pkgcache.Key) bool { return needed[k] })
	return err
}
