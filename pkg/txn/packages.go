package txn

import (
	"context"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Keys of commit metadata. Those of layered commits begin with the name of the tool, as
// rpm-ostree's do with its own.
const (
	keyLayered  = "apt-ostree.clientlayer"            // b: assembled on the machine; the parent is the base
	keyPackage  = "apt-ostree.packages"               // as: the active requests
	keyRemoved  = "apt-ostree.removed-base-packages"  // av of (sstsss), see removedValue
	keyReplaced = "apt-ostree.replaced-base-packages" // a(vv): new and old, as in keyRemoved
	keyDebs     = "apt-ostree.debs"                   // as: SHA-256 of the packages that are layered or in place of others, in package debstore
	keyDigest   = "apt-ostree.state-sha256"           // s: Plan.Digest
)

// Packages lists the installed packages of a commit, sorted by name, from its dpkg database. No
// checkout is needed.
func (s *System) Packages(ctx context.Context, c ostree.Checksum) ([]*apt.Package, error) {
	return Packages(ctx, s.Repo(), c)
}

// Packages lists the installed packages of a commit in a repository.
func Packages(ctx context.Context, repo *ostree.Repo, c ostree.Checksum) ([]*apt.Package, error) {
	tree, err := repo.FS(ctx, c)
	if err != nil {
		return nil, err
	}
	entries, err := dpkg.ReadStatusFS(tree)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", c, err)
	}
	return dpkg.Installed(entries), nil
}

// Base gives the commit that a deployment's commit was layered on, or the commit itself.
func (s *System) Base(ctx context.Context, c ostree.Checksum) (ostree.Checksum, error) {
	commit, err := s.Repo().LoadCommit(ctx, c)
	if err != nil {
		return ostree.Checksum{}, err
	}
	if isLayered(commit) {
		return commit.Parent, nil
	}
	return c, nil
}

func isLayered(c *ostree.Commit) bool {
	v, ok := c.Metadata.Lookup(keyLayered)
	if !ok {
		return false
	}
	layered, err := v.Bool()
	return err == nil && layered
}
