package txn

import (
	"context"
	"fmt"
	"strconv"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// CheckoutOptions say what of a commit is checked out, and how.
type CheckoutOptions struct {
	// Subpath is the part of the tree; a file goes into the destination under its own name. Empty is all.
	Subpath string
	// UserMode leaves out owners and extended attributes, as those who are not root must.
	UserMode bool
}

// Checkout writes the tree of a deployment or commit to a directory, which must not exist. Rev is the
// place of a deployment in the list, a ref or a checksum. Files are copies, which may be changed.
func (s *System) Checkout(ctx context.Context, rev, dir string, opts CheckoutOptions) (ostree.Checksum, error) {
	c, err := s.commitOf(ctx, rev)
	if err != nil {
		return c, err
	}
	return c, s.Repo().Checkout(ctx, c, dir, ostree.CheckoutOptions{ForceCopy: true, Subpath: opts.Subpath, UserMode: opts.UserMode})
}

// commitOf finds what a revision names: a deployment if it is a small number.
func (s *System) commitOf(ctx context.Context, rev string) (ostree.Checksum, error) {
	index, err := strconv.ParseUint(rev, 10, 16)
	if err != nil {
		return s.Repo().Resolve(ctx, rev)
	}
	list, err := s.sysroot.Deployments(ctx)
	if err != nil {
		return ostree.Checksum{}, err
	}
	if index >= uint64(len(list)) {
		return ostree.Checksum{}, &RequestError{Message: fmt.Sprintf("there is no deployment %d; there are %d, counted from 0", index, len(list))}
	}
	return list[index].Checksum, nil
}
