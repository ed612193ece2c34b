// Command install-to-disk turns a commit into a disk image that boots on machines with BIOS or EFI. It
// needs root, but neither loop devices nor mounts.
//
//	go run ./examples/install-to-disk REPOSITORY REVISION FILE [KERNEL-ARGUMENT...]
//
// Without a password or a key nobody can log in: the example makes root's password empty, which the
// system accepts on its console only. A real installer sets what its user wants in the same place.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/image"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: install-to-disk REPOSITORY REVISION FILE [KERNEL-ARGUMENT...]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1], os.Args[2], os.Args[3], os.Args[4:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, repoPath, rev, file string, args []string) error {
	repo, err := ostree.Open(repoPath, ostree.Options{})
	if err != nil {
		return err
	}
	defer repo.Close()
	err = image.Install(ctx, repo, rev, file, image.InstallOptions{Kargs: args, Configure: configure})
	if err != nil {
		return err
	}
	fmt.Println("disk:", file)
	return nil
}

// configure is where an installer writes what belongs to this machine alone.
func configure(_ context.Context, d deploy.Deployment, _ string) error {
	shadow := filepath.Join(d.Path, "etc/shadow")
	text, err := os.ReadFile(shadow)
	if err != nil {
		return err
	}
	return os.WriteFile(shadow, bytes.Replace(text, []byte("root:*:"), []byte("root::"), 1), 0o640)
}
