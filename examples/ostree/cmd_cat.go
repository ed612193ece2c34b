package main

import (
	"context"
	"io"
	"strings"
)

func cmdCat() *command {
	return &command{
		name: "cat", operands: "COMMIT PATH...", summary: "Concatenate contents of files",
		run: func(ctx context.Context, e *env, args []string) error {
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			if len(args) < 2 {
				return usagef("A COMMIT and at least one PATH argument are required")
			}
			c, err := repo.Resolve(ctx, args[0])
			if err != nil {
				return err
			}
			tree, err := repo.FS(ctx, c)
			if err != nil {
				return err
			}
			for _, path := range args[1:] {
				f, err := tree.Open(treePath(path))
				if err != nil {
					return pathMessage(path, err)
				}
				st, err := f.Stat()
				if err == nil && st.IsDir() {
					err = errIsDirectory
				}
				if err == nil {
					_, err = io.Copy(e.stdout, f)
				}
				if closeErr := f.Close(); err == nil {
					err = closeErr
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// treePath turns a path of the command line into one of a tree.
func treePath(path string) string {
	path = strings.Trim(path, "/")
	if path == "" {
		return "."
	}
	return path
}
