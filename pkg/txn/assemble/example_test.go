package assemble_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// Layer packages on a base commit. The packages and their files come from
// package apt, their order from package solve.
func ExampleBuild() {
	build := func(ctx context.Context, repo *ostree.Repo, base ostree.Checksum, batches []solve.Batch, files map[*apt.Package]string) error {
		jail, err := sandbox.New(ctx, sandbox.Options{})
		if err != nil {
			return err
		}
		result, err := assemble.Build(ctx, assemble.Input{
			Repo: repo, Base: base, Batches: batches, Debs: files,
			Timestamp: time.Unix(1700000000, 0), Runner: jail,
			Commit: ostree.Commit{Parent: base},
			Ref:    ostree.Refspec{Ref: "local/layered"},
		})
		if script, ok := errors.AsType[*assemble.ScriptError](err); ok {
			fmt.Println(script)
			for _, line := range script.Log {
				fmt.Println("  " + line)
			}
		}
		if err != nil {
			return err
		}
		fmt.Println(result.Commit, len(result.Packages), "packages")
		return nil
	}
	_ = build // it needs root, a repository and packages
}

func ExampleScriptError() {
	err := error(&assemble.ScriptError{Package: "nginx", Phase: "postinst", Code: 1, Log: []string{"nginx: no such user"}})
	fmt.Println(err)
	// Output: package nginx: postinst: exit status 1
}
