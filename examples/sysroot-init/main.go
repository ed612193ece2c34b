// Command sysroot-init makes the directory tree that OSTree systems are installed into: a place for
// boot files, a repository and a place for deployments. It is "ostree admin init-fs" as a library
// call.
//
//	go run ./examples/sysroot-init DIRECTORY
//
// A bare repository keeps owners and extended attributes in the files themselves, so that deployments
// can be hard links. That needs root.
package main

import (
	"fmt"
	"os"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: sysroot-init DIRECTORY")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(dir string) (err error) {
	sysroot, err := deploy.Init(dir, deploy.InitOptions{})
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := sysroot.Close(); err == nil {
			err = closeErr
		}
	}()
	// Nothing configures a boot loader here: one that reads /boot/loader/entries needs no more.
	if err := sysroot.Repo().SetConfigValue("sysroot", "bootloader", "none"); err != nil {
		return err
	}
	fmt.Println("sysroot:   ", sysroot.Path())
	fmt.Println("repository:", sysroot.Repo().Path(), "mode", sysroot.Repo().Mode())
	fmt.Println("next:       go run ./examples/stateroot-init", dir, "debian")
	return nil
}
