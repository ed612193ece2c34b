package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// job makes one deployment on disk, up to where it only has to be listed.
type job struct {
	sysroot    *Sysroot
	state      *state
	deployment Deployment
	merge      *Deployment
	opts       DeployOptions
	in         *inspected
	done       int
}

// jobSteps is how many steps progress is reported for: those of build and the two of write.
const jobSteps = 6

// list returns the new list of deployments.
func (j *job) list() []Deployment {
	return j.opts.Retain.insert(j.state.deployments, j.deployment, j.merge, j.opts.NotDefault)
}

func (j *job) progress(step string) {
	if j.opts.Progress != nil {
		j.opts.Progress(Progress{Step: step, Done: j.done, Total: jobSteps})
	}
	j.done++
}

// jobStep is one step of a job. One without a title is too short to be worth reporting.
type jobStep struct {
	name, title string
	do          func(context.Context) error
}

// build makes the deployment's directory and the files beside it.
func (j *job) build(ctx context.Context) error {
	return j.run(ctx, []jobStep{
		{"checkout", "check out", j.checkout},
		{"composefs", "", j.writeImage},
		{"etc", "", j.defaultEtc},
		{"merge", "merge /etc", j.mergeEtc},
		{"var", "prepare /var", j.prepareVar},
		{"stamps", "", j.removeStamps},
		{"backing", "", j.makeBacking},
		{"origin", "", j.writeOrigin},
		{"seal", "seal", j.seal},
	})
}

// stage makes of it what does not depend on the state of the running system at shutdown.
func (j *job) stage(ctx context.Context) error {
	return j.run(ctx, []jobStep{
		{"checkout", "check out", j.checkout},
		{"composefs", "", j.writeImage},
		{"etc", "", j.defaultEtc},
		{"backing", "", j.makeBacking},
		{"origin", "", j.writeOrigin},
	})
}

// finalize makes the rest.
func (j *job) finalize(ctx context.Context) error {
	return j.run(ctx, []jobStep{
		{"merge", "merge /etc", j.mergeEtc},
		{"var", "prepare /var", j.prepareVar},
		{"stamps", "", j.removeStamps},
		{"seal", "seal", j.seal},
	})
}

func (j *job) run(ctx context.Context, steps []jobStep) error {
	for _, step := range steps {
		if step.title != "" {
			j.progress(step.title)
		}
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		if err := j.sysroot.step(ctx, step.name); err != nil {
			return err
		}
	}
	return nil
}

// checkout makes the tree of hard links, unless somebody has.
func (j *job) checkout(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(j.deployment.Path), 0o775); err != nil {
		return err
	}
	if made := j.opts.Checkout; made != "" {
		return os.Rename(made, j.deployment.Path)
	}
	return j.sysroot.repo.CheckoutTree(ctx, j.in.commit.Tree, j.deployment.Path, ostree.CheckoutOptions{PassthroughWhiteouts: true})
}

// defaultEtc makes /etc a copy of the defaults in /usr/etc: administrators edit files in place, so
// hard links would change the repository.
func (j *job) defaultEtc(ctx context.Context) error {
	path, subpath := j.deployment.Path, "usr/etc"
	switch j.in.etc {
	case etcNone:
		return nil
	case etcLegacy:
		if err := os.Rename(path+"/etc", path+"/usr/etc"); err != nil {
			return err
		}
		subpath = "etc"
	case etcUsr:
		if j.in.emptyEtc {
			if err := os.Remove(path + "/etc"); err != nil {
				return err
			}
		}
	}
	return j.sysroot.repo.CheckoutTree(ctx, j.in.commit.Tree, path+"/etc", ostree.CheckoutOptions{ForceCopy: true, Subpath: subpath})
}

// mergeEtc carries local configuration over.
func (j *job) mergeEtc(ctx context.Context) error {
	if j.merge == nil || j.in.etc == etcNone {
		return nil
	}
	old := j.merge.Path + "/usr/etc"
	if _, err := os.Lstat(old); isMissing(err) {
		return nil // It has no defaults to tell local changes by.
	}
	report, err := etcmerge.Merge(ctx, etcmerge.Trees{Old: old, Local: j.merge.Path + "/etc", New: j.deployment.Path + "/etc"})
	if err != nil {
		return err
	}
	j.sysroot.report(EtcMerged{report})
	j.sysroot.log.Info("configuration merged", "from", j.merge.Name(), "modified", report.Count(etcmerge.Modified),
		"removed", report.Count(etcmerge.Removed), "added", report.Count(etcmerge.Added), "skipped", report.Skipped)
	return nil
}

// removeStamps makes systemd's ConditionNeedsUpdate= true for /etc and /var.
func (j *job) removeStamps(context.Context) error {
	for _, stamp := range []string{j.deployment.Path + "/etc/.updated", filepath.Join(j.sysroot.varInUse(j.state, j.deployment), ".updated")} {
		if err := os.Remove(stamp); err != nil && !isMissing(err) {
			return err
		}
	}
	return nil
}

// makeBacking makes the directories in which the initramfs keeps a transient root.
func (j *job) makeBacking(context.Context) error {
	var st unix.Stat_t
	if err := unix.Stat(j.deployment.Path, &st); err != nil {
		return &fs.PathError{Op: "stat", Path: j.deployment.Path, Err: err}
	}
	backing := j.sysroot.backingPath(j.deployment)
	for _, dir := range []string{filepath.Dir(backing), backing, backing + "/root-transient", backing + "/root-transient/work"} {
		if err := mkdirMode(dir, 0o700); err != nil {
			return err
		}
	}
	return mkdirMode(backing+"/root-transient/upper", os.FileMode(st.Mode&0o777))
}

// writeOrigin writes the origin file.
func (j *job) writeOrigin(context.Context) error {
	if j.deployment.Origin == nil {
		return nil
	}
	return fsx.WriteFile(j.sysroot.originPath(j.deployment), j.deployment.Origin.Bytes(), 0o644)
}

// seal makes the root of the deployment immutable, so that nothing is written beside /etc and /var
// by accident.
func (j *job) seal(context.Context) error {
	if j.sysroot.opts.Mutable {
		return nil
	}
	return setImmutable(j.deployment.Path, true)
}

func setImmutable(dir string, on bool) error {
	f, err := fsx.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(fsx.SetImmutable(f, on), f.Close())
}
