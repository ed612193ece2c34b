package sandbox_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox/sandboxtest"
)

// Code that runs things takes a Runner; a test gives it one that starts
// nothing.
func ExampleRunner() {
	configure := func(ctx context.Context, r sandbox.Runner, root string) error {
		return r.Run(ctx, sandbox.Spec{Root: root, Argv: []string{"dpkg", "--configure", "--pending"}})
	}
	runner := &sandboxtest.Recorder{Do: func(_ context.Context, spec sandbox.Spec) error {
		return &sandbox.ExitError{Argv: spec.Argv, Code: 1}
	}}
	err := configure(context.Background(), runner, "/srv/tree")
	fmt.Println(err)
	if exit, ok := errors.AsType[*sandbox.ExitError](err); ok {
		fmt.Println("status", exit.Code, "in", runner.Specs()[0].Root)
	}
	// Output:
	// dpkg --configure --pending: exit status 1
	// status 1 in /srv/tree
}

func ExampleOverlay() {
	o := sandbox.Overlay{
		Lower:  []string{"/srv/build/base"},
		Upper:  "/srv/build/upper",
		Work:   "/srv/build/work",
		Target: "/srv/build/tree",
	}
	mounted, err := o.Mount(context.Background())
	if err != nil {
		fmt.Println(err) // says which directory, file system or right is missing
		return
	}
	defer func() {
		if err := mounted.Unmount(); err != nil {
			fmt.Println(err)
		}
	}()
	// Run programs in o.Target, then look at o.Upper for what they changed.
}
