package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// A new sysroot, as an installer makes it. (The mode lets this example run without root.)
func ExampleInit() {
	dir, err := os.MkdirTemp("", "sysroot-")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { fmt.Println(os.RemoveAll(dir)) }()

	s, err := deploy.Init(filepath.Join(dir, "target"), deploy.InitOptions{Mode: ostree.ModeBareUserOnly})
	if err != nil {
		log.Fatal(err)
	}
	defer closeSysroot(s)
	if err := s.InitStateroot(context.Background(), "debian"); err != nil {
		log.Fatal(err)
	}
	names, err := s.Stateroots()
	fmt.Println(names, err)
	// Output:
	// [debian] <nil>
	// <nil>
}

func closeSysroot(s *deploy.Sysroot) {
	if err := s.Close(); err != nil {
		log.Print(err)
	}
}

func ExampleOpen() {
	_, err := deploy.Open("/etc", deploy.Options{})
	if not, ok := errors.AsType[*deploy.NotSysrootError](err); ok {
		fmt.Println(not.Path, "lacks", not.Missing)
	}
	// Output: /etc lacks ostree/deploy
}

// Deploying what a ref points to, with the boot arguments of a new machine, and tidying up.
func ExampleSysroot_Deploy() {
	ctx := context.Background()
	s, err := deploy.Open("/mnt/target", deploy.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer closeSysroot(s)
	const ref = "debian:trixie/amd64/server"
	commit, err := s.Repo().Resolve(ctx, ref)
	if err != nil {
		log.Fatal(err)
	}
	d, err := s.Deploy(ctx, commit, origin.New(ref), deploy.DeployOptions{
		Stateroot: "debian",
		Kargs:     kargs.Parse("root=LABEL=system rw"),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("boots next:", d.Name())
	report, err := s.Cleanup(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("freed bytes:", report.Freed)
}

// Going back to the deployment before.
func ExampleSysroot_Rollback() {
	s, err := deploy.Open("/", deploy.Options{LockTimeout: -1})
	if err != nil {
		log.Fatal(err)
	}
	defer closeSysroot(s)
	d, err := s.Rollback(context.Background(), "")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("boots next:", d.Version)
}
