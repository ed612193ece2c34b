package main

import "context"

func cmdStaticDeltaIndexes() *command {
	return &command{
		name: "indexes", summary: "List static delta indexes",
		run: func(ctx context.Context, e *env, _ []string) error {
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			commits, err := repo.DeltaIndexes(ctx)
			if err != nil {
				return err
			}
			for _, commit := range commits {
				e.println(commit)
			}
			if len(commits) == 0 {
				e.println("(No static deltas indexes)")
			}
			return nil
		},
	}
}
