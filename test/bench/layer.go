package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

// smallPackages are layered one after the other.
func smallPackages() []string {
	return []string{
		"hello", "sl", "tree", "figlet", "bc", "ed", "dos2unix", "ncal", "pv", "nano",
		"zip", "unzip", "htop", "strace", "lsof", "whois", "time", "dc", "pwgen", "toilet",
	}
}

// benchLayer layers twenty packages, each in a change of its own, on the embedded set. The peer of the
// last change is the first: it should cost a little more only.
func benchLayer(ctx context.Context, opts options, work string) error {
	const name = "`install` of the 20th small package / of the first, downloads included"
	if !opts.only.MatchString(name) {
		return nil
	}
	tree, err := compose.Embedded(compose.LoadOptions{Architecture: txn.NativeArchitecture()})
	if err != nil {
		return err
	}
	var first, last []sample
	for i := range opts.runs {
		times, err := layerOnce(ctx, tree, opts.cache, filepath.Join(work, fmt.Sprint("layer", i)))
		if err != nil {
			return err
		}
		first, last = append(first, times[0]), append(last, times[len(times)-1])
	}
	printRow(name, last, first)
	return nil
}

// layerOnce returns how long each change took.
func layerOnce(ctx context.Context, tree *compose.Treefile, cache, path string) (times []sample, err error) {
	sysroot, err := deploy.Init(path, deploy.InitOptions{})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(sysroot.InitStateroot(ctx, "debian"), sysroot.Close()); err != nil {
		return nil, err
	}
	if err := composeInto(ctx, tree, cache, filepath.Join(path, "ostree/repo")); err != nil {
		return nil, err
	}
	changes := []txn.Change{{Deploy: tree.Ref}}
	for _, name := range smallPackages() {
		changes = append(changes, txn.Change{Install: []string{name}})
	}
	for _, c := range changes {
		took, err := timed(func() error { return change(ctx, path, c) })
		if err != nil {
			return nil, fmt.Errorf("%+v: %w", c, err)
		}
		times = append(times, took)
	}
	return times[1:], nil
}

func composeInto(ctx context.Context, tree *compose.Treefile, cache, path string) error {
	repo, err := ostree.Open(path, ostree.Options{})
	if err != nil {
		return err
	}
	defer repo.Close()
	c, err := compose.New(compose.Options{Repo: repo, Treefile: tree, CacheDir: cache})
	if err != nil {
		return err
	}
	plan, err := c.Plan(ctx)
	if err != nil {
		return err
	}
	_, err = c.Apply(ctx, plan, nil)
	return err
}

// change does what the command does: open, plan, apply.
func change(ctx context.Context, path string, c txn.Change) (err error) {
	system, err := txn.Open(ctx, path, txn.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, system.Close()) }()
	plan, err := system.Plan(ctx, c)
	if err != nil {
		return err
	}
	_, err = system.Apply(ctx, plan, txn.ApplyOptions{})
	return err
}
