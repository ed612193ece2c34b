package txn

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/txn/debstore"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// download brings the packages that the plan needs into the repository: from the archives, and those that are
// local. Later changes find them there.
func (a *application) download(ctx context.Context, task *step.Task) error {
	missing, err := a.system.missing(ctx, a.plan)
	if err != nil {
		return err
	}
	debs := map[*apt.Package]string{}
	if len(missing) > 0 {
		debs, err = a.plan.archive.packages.Download(ctx, missing, apt.DownloadOptions{
			Progress: func(p apt.Progress) { task.Progress(p.Current, p.Done, p.Total, step.Bytes) },
		})
		if err != nil {
			return err
		}
	}
	a.sums = map[*apt.Package]string{}
	var files []debstore.File
	for _, pkg := range a.plan.arriving() {
		path, downloaded := debs[pkg]
		if offered, ok := a.system.offers[pkg.SHA256]; ok {
			path = offered.path()
		}
		sum := pkg.SHA256
		if downloaded && sum == "" {
			if sum, err = sumOf(path); err != nil {
				return err
			}
		}
		a.sums[pkg] = sum
		if path != "" {
			files = append(files, debstore.File{Path: path, SHA256: sum})
		}
	}
	return a.keep(ctx, files)
}

// keep puts the packages into the store, with those that the origin asks for and that have no effect now.
func (a *application) keep(ctx context.Context, files []debstore.File) error {
	for _, sum := range localDigests(a.plan.origin) {
		if offered, ok := a.system.offers[sum]; ok {
			files = append(files, debstore.File{Path: offered.path(), SHA256: sum})
		}
	}
	return debstore.New(a.system.Repo()).Add(ctx, files)
}

// sumOf hashes a package of an archive that publishes other hashes, which were verified.
func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	pkg, err := debstore.Read(f)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return pkg.SHA256, nil
}

// checkoutDebs gives dpkg the packages as files, until done is called.
func (a *application) checkoutDebs(ctx context.Context) (debs map[*apt.Package]string, done func(), err error) {
	dir, err := os.MkdirTemp(filepath.Join(a.system.Repo().Path(), "tmp"), "debs-")
	if err != nil {
		return nil, nil, err
	}
	done = func() {
		if err := fsx.RemoveAll(dir); err != nil {
			a.system.opts.Logger.Warn("packages left in the repository's directory for temporary files", "error", err)
		}
	}
	debs = map[*apt.Package]string{}
	store := debstore.New(a.system.Repo())
	for _, pkg := range a.plan.arriving() {
		if debs[pkg], err = store.Checkout(ctx, a.sums[pkg], dir); err != nil {
			done()
			return nil, nil, err
		}
	}
	return debs, done, nil
}

// dropDebs forgets the packages that no deployment is made of or asks for.
func (s *System) dropDebs(ctx context.Context) error {
	deployments, err := s.sysroot.Deployments(ctx)
	if err != nil {
		return err
	}
	needed := map[string]bool{}
	for _, d := range deployments {
		commit, err := s.Repo().LoadCommit(ctx, d.Checksum)
		if err != nil {
			return err
		}
		sums, _ := keptDigests(commit)
		for _, sum := range append(sums, localDigests(originOf(d))...) {
			needed[sum] = true
		}
	}
	_, err = debstore.New(s.Repo()).Drop(ctx, func(sum string) bool { return needed[sum] })
	return err
}
