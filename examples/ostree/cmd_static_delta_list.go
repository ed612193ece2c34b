package main

import "context"

func cmdStaticDeltaList() *command {
	return &command{
		name: "list", summary: "List static delta files",
		run: func(ctx context.Context, e *env, _ []string) error {
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			deltas, err := repo.Deltas(ctx)
			if err != nil {
				return err
			}
			for _, delta := range deltas {
				e.println(delta)
			}
			if len(deltas) == 0 {
				e.println("(No static deltas)")
			}
			return nil
		},
	}
}
