package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/selinux"
)

// selinuxFlags are the options of commit about labels.
type selinuxFlags struct {
	root     string
	fromBase bool
	epoch    int
}

func (o *selinuxFlags) add(f *flags) {
	f.String(&o.root, "selinux-policy", "", "PATH", "Set SELinux labels based on policy in root filesystem PATH (may be /)")
	f.Bool(&o.fromBase, "selinux-policy-from-base", "P", "Set SELinux labels based on first --tree argument")
	f.Int(&o.epoch, "selinux-labeling-epoch", "", "EPOCH", "Configure the default SELinux labeling rules; 0 is the default, 1 enables labeling /usr/etc as /etc")
}

func (o *selinuxFlags) check() error {
	if o.root != "" && o.fromBase {
		return errors.New("Cannot specify both --selinux-policy and --selinux-policy-from-base")
	}
	if o.epoch != 0 && o.epoch != 1 {
		return fmt.Errorf("Unknown SELinux labeling epoch: %d", o.epoch)
	}
	return nil
}

// labels reads a policy, if there is one.
func (o *selinuxFlags) labels(policy *selinux.Policy, err error) (ostree.Labeler, error) {
	switch {
	case errors.Is(err, selinux.ErrNoPolicy):
		return nil, nil
	case err != nil:
		return nil, err
	case o.epoch == 1:
		return policy.WithUsrEtc(), nil
	}
	return policy, nil
}

// fromRoot reads the policy that --selinux-policy names.
func (o *selinuxFlags) fromRoot() (ostree.Labeler, error) {
	if o.root == "" {
		return nil, nil
	}
	return o.labels(selinux.Open(o.root))
}

// fromCommit reads the policy of the commit that the new one begins with.
func (o *selinuxFlags) fromCommit(ctx context.Context, repo *ostree.Repo, rev string) (ostree.Labeler, error) {
	c, err := repo.Resolve(ctx, rev)
	if err != nil {
		return nil, err
	}
	root, err := repo.FS(ctx, c)
	if err != nil {
		return nil, err
	}
	return o.labels(selinux.Read(root))
}

// fromFirst reads the policy of the first --tree.
func (o *selinuxFlags) fromFirst(ctx context.Context, repo *ostree.Repo, kind, value string) (ostree.Labeler, error) {
	switch kind {
	case "dir":
		return o.labels(selinux.Open(value))
	case "ref":
		return o.fromCommit(ctx, repo, value)
	}
	return nil, fmt.Errorf("Cannot use --selinux-policy-from-base with %s", kind)
}
