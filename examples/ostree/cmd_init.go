package main

import (
	"context"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func cmdInit() *command {
	mode, collection := "bare", ""
	return &command{
		name: "init", summary: "Initialize a new empty repository",
		flags: func(f *flags) {
			f.String(&mode, "mode", "", "MODE", "Initialize repository in given mode (bare, bare-user, bare-user-only, archive, bare-split-xattrs)")
			f.String(&collection, "collection-id", "", "COLLECTION-ID",
				"Globally unique ID for this repository as a collection of refs for redistribution to other repositories")
		},
		run: func(_ context.Context, e *env, _ []string) error {
			path, err := e.newRepoPath()
			if err != nil {
				return err
			}
			m, err := ostree.ParseMode(mode)
			if err != nil {
				return fmt.Errorf("Invalid mode '%s' in repository configuration", mode)
			}
			o := e.repoOptions()
			o.CollectionID = collection
			r, err := ostree.Init(path, m, o)
			if err != nil {
				return err
			}
			return r.Close()
		},
	}
}
