// Package peer runs the tools that ours are compared with.
package peer

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Set is a set of packages as files, and how they are to be installed.
type Set struct {
	Release, Architecture string
	Debs                  []string
	// DpkgOptions are written to the tree's dpkg configuration.
	DpkgOptions []string
	Epoch       int64
}

// LocalArchive makes an APT archive in dir that offers the packages and nothing else.
func (s Set) LocalArchive(ctx context.Context, dir string) error {
	release := filepath.Join(dir, "dists", s.Release)
	index := filepath.Join(release, "main", "binary-"+s.Architecture)
	pool := filepath.Join(dir, "pool")
	for _, d := range []string{index, pool} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	for _, deb := range s.Debs {
		name, err := show(ctx, deb, "${Package}_${Version}_${Architecture}.deb")
		if err != nil {
			return err
		}
		if err := link(deb, filepath.Join(pool, strings.ReplaceAll(name, ":", "%3a"))); err != nil {
			return err
		}
	}
	if err := scan(ctx, dir, filepath.Join(index, "Packages"), "packages", "pool"); err != nil {
		return err
	}
	err := scan(ctx, dir, filepath.Join(release, "Release"),
		"-oAPT::FTPArchive::Release::Codename="+s.Release, "-oAPT::FTPArchive::Release::Suite="+s.Release,
		"-oAPT::FTPArchive::Release::Architectures="+s.Architecture, "-oAPT::FTPArchive::Release::Components=main",
		"release", "dists/"+s.Release)
	if err != nil {
		return err
	}
	// mmdebstrap reads the archive as another user
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// scan runs apt-ftparchive and keeps what it prints.
func scan(ctx context.Context, dir, output string, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-ftparchive", args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("apt-ftparchive %s: %w", strings.Join(args, " "), err)
	}
	return os.WriteFile(output, out, 0o644)
}

// show prints fields of a package file.
func show(ctx context.Context, deb, format string) (string, error) {
	out, err := exec.CommandContext(ctx, "dpkg-deb", "--show", "--showformat="+format, deb).Output()
	if err != nil {
		return "", fmt.Errorf("dpkg-deb --show %s: %w", deb, err)
	}
	return string(out), nil
}

func link(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

// Mmdebstrap installs the set from a local archive into a new directory.
func (s Set) Mmdebstrap(ctx context.Context, archive, root string) error {
	names, err := s.names(ctx)
	if err != nil {
		return err
	}
	args := []string{
		"--mode=root", "--variant=essential", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr", "--format=directory", "--include=" + strings.Join(names, ","),
		`--aptopt=Apt::Install-Recommends "false"`,
	}
	for _, option := range s.DpkgOptions {
		args = append(args, "--dpkgopt="+option)
	}
	cmd := exec.CommandContext(ctx, "mmdebstrap", append(args, s.Release, root, "deb [trusted=yes] copy:"+archive+" "+s.Release+" main")...)
	cmd.Env = append(os.Environ(), "INITRD=No", "LC_ALL=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1",
		"DEBIAN_FRONTEND=noninteractive", fmt.Sprintf("SOURCE_DATE_EPOCH=%d", s.Epoch))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mmdebstrap: %w\n%s", err, out[max(0, len(out)-4000):])
	}
	return nil
}

func (s Set) names(ctx context.Context) ([]string, error) {
	names := make([]string, 0, len(s.Debs))
	for _, deb := range s.Debs {
		name, err := show(ctx, deb, "${Package}")
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}
