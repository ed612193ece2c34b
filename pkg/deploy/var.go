package deploy

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// selinuxStamp marks a stateroot's /var as labelled for SELinux, for libostree.
const selinuxStamp = ".ostree-selabeled"

// prepareVar gives an empty /var of the stateroot the content that the commit has there. Later
// deployments leave it alone: it belongs to the system then.
func (j *job) prepareVar(ctx context.Context) error {
	dir := filepath.Join(j.sysroot.path, "ostree/deploy", j.deployment.Stateroot, "var")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) == 0 && j.in.hasVar {
		opts := ostree.CheckoutOptions{ForceCopy: true, Subpath: "var", Union: ostree.UnionFiles}
		if err := j.sysroot.repo.CheckoutTree(ctx, j.in.commit.Tree, dir, opts); err != nil {
			return err
		}
		if _, err := os.Lstat(j.deployment.Path + "/usr/lib/tmpfiles.d"); isMissing(err) {
			if err := makeClassicVar(dir); err != nil {
				return err
			}
		}
	}
	return j.markLabelled(dir)
}

// makeClassicVar makes what a system without systemd-tmpfiles expects in /var.
func makeClassicVar(dir string) error {
	for name, mode := range map[string]os.FileMode{"tmp": 0o777 | os.ModeSticky, "lib": 0o755, "log": 0o755} {
		if err := mkdirMode(filepath.Join(dir, name), mode); err != nil {
			return err
		}
	}
	for name, target := range map[string]string{"run": "../run", "lock": "../run/lock"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// markLabelled writes libostree's stamp. A system with an SELinux policy does not get it: libostree
// has to label its /var when it runs next.
func (j *job) markLabelled(dir string) error {
	if _, err := os.Lstat(j.deployment.Path + "/etc/selinux/config"); !isMissing(err) {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, selinuxStamp), os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

// varInUse returns the /var of a deployment: that of the running system when it has the same
// stateroot, because it may be a file system of its own.
func (s *Sysroot) varInUse(st *state, d Deployment) string {
	if booted := st.booted(); booted != nil && booted.Stateroot == d.Stateroot {
		return filepath.Join(s.opts.hostRoot(), "var")
	}
	return filepath.Join(s.path, "ostree/deploy", d.Stateroot, "var")
}
