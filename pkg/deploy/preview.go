package deploy

import (
	"context"
	"io/fs"
	"os"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// PreviewEtc tells what would become of the configuration of a deployment if a commit were deployed
// with it as merge deployment: which local changes conflict with new defaults, which are kept, which defaults stay
// removed and which new ones are taken. It touches nothing. Nothing becomes of a configuration without defaults, on
// either side, by which local changes could be told.
func (s *Sysroot) PreviewEtc(ctx context.Context, d Deployment, c ostree.Checksum) (*etcmerge.Outcome, error) {
	if _, err := os.Lstat(d.Path + "/usr/etc"); isMissing(err) {
		return new(etcmerge.Outcome), nil
	}
	tree, err := s.repo.FS(ctx, c)
	if err != nil {
		return nil, err
	}
	in := new(inspected)
	if err := in.findEtc(tree, c); err != nil {
		return nil, err
	}
	if in.etc == etcNone {
		return new(etcmerge.Outcome), nil
	}
	next, err := fs.Sub(tree, map[etcState]string{etcUsr: "usr/etc", etcLegacy: "etc"}[in.etc])
	if err != nil {
		return nil, err
	}
	old, err := os.OpenRoot(d.Path + "/usr/etc")
	if err != nil {
		return nil, err
	}
	defer old.Close()
	local, err := os.OpenRoot(d.Path + "/etc")
	if err != nil {
		return nil, err
	}
	defer local.Close()
	return etcmerge.Preview(ctx, old.FS(), local.FS(), next, owner)
}

// DiffEtc lists the local changes of a deployment's configuration ("ostree admin config-diff").
func (s *Sysroot) DiffEtc(ctx context.Context, d Deployment) ([]etcmerge.Change, error) {
	old, err := os.OpenRoot(d.Path + "/usr/etc")
	if err != nil {
		return nil, err
	}
	defer old.Close()
	local, err := os.OpenRoot(d.Path + "/etc")
	if err != nil {
		return nil, err
	}
	defer local.Close()
	return etcmerge.Diff(ctx, old.FS(), local.FS(), nil)
}

// owner reads the owner of a file on disk or in a commit.
func owner(info fs.FileInfo) (uid, gid uint32) {
	if fi, ok := info.Sys().(*ostree.FileInfo); ok {
		return fi.UID, fi.GID
	}
	return etcmerge.OwnerOnDisk(info)
}
