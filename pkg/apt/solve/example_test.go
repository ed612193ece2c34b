package solve_test

import (
	"context"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// offer makes a package with dependencies.
func offer(name, v, depends string) *apt.Package {
	parsed, err := version.Parse(v)
	if err != nil {
		panic(err)
	}
	groups, err := relation.ParseDepends(depends)
	if err != nil {
		panic(err)
	}
	return &apt.Package{Name: name, Architecture: "amd64", Version: parsed, Depends: groups}
}

func ExampleSolve() {
	universe := apt.NewUniverse([]*apt.Package{
		offer("nginx", "1.22.1-9", "nginx-common, libc6 (>= 2.34)"),
		offer("nginx-common", "1.22.1-9", ""),
		offer("libc6", "2.36-9", ""),
	})
	s, err := solve.Solve(context.Background(), universe, solve.Request{Architecture: "amd64", Install: []string{"nginx"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range s.Install {
		fmt.Println(p)
	}
	for _, r := range s.Why(s.Install[0]) {
		fmt.Println(r)
	}
	// Output:
	// libc6:amd64=2.36-9
	// nginx:amd64=1.22.1-9
	// nginx-common:amd64=1.22.1-9
	// nginx is requested
	// nginx 1.22.1-9 depends on libc6 (>= 2.34)
}

func ExampleUnsatisfiableError() {
	universe := apt.NewUniverse([]*apt.Package{
		offer("bar", "1.4", "libfoo2 (>= 2.1)"),
		offer("libfoo2", "2.1", ""),
	})
	_, err := solve.Solve(context.Background(), universe, solve.Request{
		Architecture: "amd64", Install: []string{"bar"},
		Installed: []*apt.Package{offer("libfoo2", "2.0", "")}, Lock: true,
	})
	fmt.Println(err)
	// Output:
	// cannot install bar: libfoo2 2.0 is installed and may not change
	//   bar is requested
	//   bar 1.4 depends on libfoo2 (>= 2.1)
	//   libfoo2 2.0 is installed and may not change
}

func ExampleBatches() {
	shell := offer("shell", "1", "")
	shell.PreDepends, _ = relation.ParseDepends("libc6") // a constant
	batches, err := solve.Batches(context.Background(), []*apt.Package{shell, offer("libc6", "2.36", "")}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, b := range batches {
		fmt.Println("unpack", b.Unpack, "configure", b.Configure)
	}
	// Output:
	// unpack [libc6:amd64=2.36] configure [libc6:amd64=2.36]
	// unpack [shell:amd64=1] configure [shell:amd64=1]
}
