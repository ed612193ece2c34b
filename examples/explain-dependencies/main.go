// Command explain-dependencies says why each package of an installation is needed, or why there is none
// and what would help:
//
//	explain-dependencies /path/to/Packages nginx vim
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := explain(ctx, os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func explain(ctx context.Context, list string, names []string) error {
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	var packages []*apt.Package
	for s := deb822.NewScanner(string(text), deb822.Options{}); s.Next(); {
		p, err := apt.ParsePackage(s.Paragraph())
		if err != nil {
			return err
		}
		packages = append(packages, p)
	}
	universe, request := apt.NewUniverse(packages), solve.Request{Architecture: "amd64", Install: names, Recommends: true}
	solution, err := solve.Solve(ctx, universe, request)
	if failed, ok := errors.AsType[*solve.UnsatisfiableError](err); ok {
		ways, waysErr := solve.Ways(ctx, universe, request, failed)
		for _, way := range ways {
			fmt.Println("way out:", way)
		}
		return errors.Join(err, waysErr)
	}
	if err != nil {
		return err
	}
	for _, p := range solution.Install {
		reasons := solution.Why(p)
		fmt.Println(p.Name+":", reasons[len(reasons)-1])
	}
	return nil
}
