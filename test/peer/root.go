package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// MachineSources are the APT sources of this machine that offer a release, in deb822 format.
func MachineSources(release string) ([]byte, error) {
	found, err := offering(release)
	return source.Format(found), err
}

// SourcesBeside are APT sources of a release that is in the archives of another one, which this machine has
// sources of: those it has, or else those of the other one with the suites renamed. The keyrings are the same.
func SourcesBeside(release, other string) ([]source.Source, error) {
	if found, err := offering(release); err == nil {
		return found, nil
	}
	found, err := offering(other)
	for i, s := range found {
		found[i].Suites = slices.Clone(s.Suites)
		for j, suite := range s.Suites {
			found[i].Suites[j] = release + strings.TrimPrefix(suite, other)
		}
	}
	return found, err
}

// offering are the sources of this machine that offer a release.
func offering(release string) ([]source.Source, error) {
	config, err := conf.Load("/")
	if err != nil {
		return nil, err
	}
	all, err := source.Load("/")
	if err != nil {
		return nil, err
	}
	found := source.Offering(source.ApplyConf(all, config), release)
	if len(found) == 0 {
		return nil, fmt.Errorf("no APT source of this machine offers %s", release)
	}
	return found, nil
}

// RootTar makes a root file system of packages and those they need with mmdebstrap, from the
// machine's own sources, in which another release stands beside Debian 12. It is kept as a tar in cache, named after what is in it, and made once.
func RootTar(ctx context.Context, cache, release string, packages ...string) (file string, err error) {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	file = filepath.Join(cache, "root-"+release+"-"+strings.Join(packages, "-")+".tar")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	sources, err := SourcesBeside(release, "bookworm")
	if err != nil {
		return "", err
	}
	list := filepath.Join(cache, "machine.sources")
	if err := os.WriteFile(list, source.Format(sources), 0o644); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.Remove(list)) }()
	cmd := exec.CommandContext(ctx, "mmdebstrap", "--mode=root", "--variant=minbase", "--include="+strings.Join(packages, ","),
		`--aptopt=Apt::Install-Recommends "false"`, release, file+".new.tar", list)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mmdebstrap: %w\n%s", err, out[max(0, len(out)-4000):])
	}
	return file, os.Rename(file+".new.tar", file)
}

// Unpack unpacks a root file system as root would have it, without device nodes, which OSTree has
// no objects for.
func Unpack(ctx context.Context, tar, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "tar", "--extract", "--file="+tar, "--directory="+dir, "--numeric-owner", "--xattrs", "--xattrs-include=*", "--exclude=./dev/*")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("unpack %s: %w\n%s", tar, err, out)
	}
	return nil
}
