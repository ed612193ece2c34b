package step_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

func ExampleRun() {
	steps := []step.Step{
		{
			Name: "unpack",
			Do:   func(context.Context, *step.Task) error { return nil },
			Undo: func(context.Context) error { return nil },
		},
		{
			Name:   "deploy",
			Do:     func(context.Context, *step.Task) error { return errors.New("no space left") },
			Commit: true,
		},
	}
	print := step.ReporterFunc(func(e step.Event) {
		switch e := e.(type) {
		case step.StepStarted:
			fmt.Println(e.Step)
		case step.StepUndone:
			fmt.Println("took back", e.Step)
		}
	})
	fmt.Println("error:", step.Run(context.Background(), steps, step.Options{Reporter: print}))
	// Output:
	// unpack
	// deploy
	// took back unpack
	// error: deploy: no space left
}
