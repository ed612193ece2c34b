// Command edsp-solver lets APT use our solver. Put it under a name of its own into a directory that
// Dir::Bin::solvers lists, and it is there for every command of APT:
//
//	go build -o /usr/lib/apt/solvers/apt-ostree ./examples/edsp-solver
//	apt-get --solver apt-ostree -s install nginx
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/edsp"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "edsp-solver:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, in io.Reader, out io.Writer) error {
	scenario, err := edsp.Read(in)
	if err != nil {
		return err
	}
	solution, err := solve.Solve(ctx, scenario.Universe(), scenario.SolveRequest(recommends(ctx)))
	return scenario.WriteResult(out, solution, err) // an error is an answer as well: APT prints it
}

// recommends asks APT's configuration whether recommendations count, which no scenario says.
func recommends(ctx context.Context) bool {
	answer, err := exec.CommandContext(ctx, "apt-config", "shell", "answer", "APT::Install-Recommends/b").Output()
	return err != nil || !strings.Contains(string(answer), "false")
}
