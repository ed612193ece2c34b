package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// InstallOptions say how a commit becomes a system. The zero value is a stateroot "debian" on a disk of
// [DefaultSize].
type InstallOptions struct {
	Options
	// Stateroot is the name of the stateroot, "debian" by default.
	Stateroot string
	// Kargs are kernel arguments besides root=UUID=… and rw, such as console=ttyS0.
	Kargs kargs.Args
	// Tries is how often a deployment that is installed later may fail to boot before the one before it
	// boots instead, 0 for always (sysroot.boot-counting-tries of the repository). With it every boot has
	// to be assessed, as apt-ostree-boot-complete.service does.
	Tries int
	// Configure, if set, gets the deployment and the stateroot's /var before the disk is written. What it
	// changes in /etc are local changes like those of an administrator.
	Configure func(ctx context.Context, d deploy.Deployment, varDir string) error
}

// Install deploys a commit of a repository in a new sysroot and writes that to a new disk. Rev is a
// checksum or a ref of the repository; the deployment follows a ref.
//
// It works in a directory beside the file, which is removed in the end. When the repository is on the
// same file system and bare, no file is copied on the way there.
func Install(ctx context.Context, repo *ostree.Repo, rev, file string, opts InstallOptions) (err error) {
	size, id, err := opts.check()
	if err != nil {
		return fmt.Errorf("install %s: %w", rev, err)
	}
	opts.RootUUID = id.String()
	dir, err := os.MkdirTemp(filepath.Dir(file), ".sysroot-")
	if err != nil {
		return fmt.Errorf("install %s: %w", rev, err)
	}
	defer func() { err = errors.Join(err, fsx.RemoveAll(dir)) }()
	if opts.Loader == SystemdBoot && opts.ESP == "" {
		if opts.ESP, err = os.MkdirTemp(filepath.Dir(file), ".esp-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(opts.ESP)) }()
	}
	if err := os.Chmod(dir, 0o755); err != nil { // it is the root directory of the file system
		return err
	}
	if err := InstallSysroot(ctx, repo, rev, dir, opts); err != nil {
		return err
	}
	if err := write(ctx, dir, file, size, id, opts.Options); err != nil {
		return fmt.Errorf("install %s: disk image %s: %w", rev, file, err)
	}
	return nil
}

// InstallSysroot does the first half of [Install]: it makes a sysroot in a directory and deploys the
// commit there. Deployments are not immutable, so that the directory can be moved and removed. The
// kernel finds its root file system by the RootUUID of the options; without one it is not told. With
// systemd-boot, whose ESP the options have to name, it is necessary.
func InstallSysroot(ctx context.Context, repo *ostree.Repo, rev, dir string, opts InstallOptions) error {
	if err := installSysroot(ctx, repo, rev, dir, opts); err != nil {
		return fmt.Errorf("install %s: %w", rev, err)
	}
	return nil
}

func installSysroot(ctx context.Context, repo *ostree.Repo, rev, dir string, opts InstallOptions) error {
	stateroot := opts.Stateroot
	if stateroot == "" {
		stateroot = "debian"
	}
	commit, err := repo.Resolve(ctx, rev)
	if err != nil {
		return err
	}
	loader := bootloader.Bootloader(bootloader.GRUB{Dir: "grub"})
	if opts.Loader == SystemdBoot {
		loader = bootloader.SystemdBoot{Path: opts.ESP}
	}
	sysroot, err := deploy.Init(dir, deploy.InitOptions{Modern: true, Options: deploy.Options{
		Bootloader: loader,
		NoSync:     true, // the disk is synced as a whole
		Mutable:    true, // until it is on the disk
	}})
	if err != nil {
		return err
	}
	defer sysroot.Close()
	// /sysroot holds what must not be changed by hand. Programs that change it remount it for themselves.
	if err := sysroot.Repo().SetConfigValue("sysroot", "readonly", "true"); err != nil {
		return err
	}
	if err := sysroot.InitStateroot(ctx, stateroot); err != nil {
		return err
	}
	ref, follow := ostree.Refspec{}, new(origin.Origin)
	if rev != commit.String() {
		if ref, err = ostree.ParseRefspec(rev); err != nil {
			return err
		}
		follow = origin.New(rev)
	}
	pull := ostree.PullOptions{Remote: ref.Remote, Refs: []ostree.PullRef{{Ref: ref.Ref, Commit: commit}}}
	if _, err := sysroot.Repo().PullLocal(ctx, repo, pull); err != nil {
		return err
	}
	args := append(kargs.Args{"rw"}, opts.Kargs...)
	if opts.RootUUID != "" {
		args = append(kargs.Args{"root=UUID=" + opts.RootUUID}, args...)
	}
	d, err := sysroot.Deploy(ctx, commit, follow, deploy.DeployOptions{Stateroot: stateroot, Kargs: args})
	if err != nil {
		return err
	}
	if opts.Loader == SystemdBoot {
		id, err := parseGUID(opts.RootUUID)
		if err != nil {
			return err
		}
		if err := mountESP(dir, d.Path, id); err != nil {
			return err
		}
	}
	if opts.Tries != 0 { // from now on: the first deployment has nothing before it
		if err := sysroot.Repo().SetConfigValue("sysroot", "boot-counting-tries", strconv.Itoa(opts.Tries)); err != nil {
			return err
		}
	}
	if opts.Configure == nil {
		return nil
	}
	return opts.Configure(ctx, *d, filepath.Join(dir, "ostree/deploy", stateroot, "var"))
}
