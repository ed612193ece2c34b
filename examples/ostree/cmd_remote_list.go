package main

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func cmdRemoteList() *command {
	var urls bool
	return &command{
		name: "list", summary: "List remote repository names",
		flags: func(f *flags) { f.Bool(&urls, "show-urls", "u", "Show remote URLs in list") },
		run: func(_ context.Context, e *env, _ []string) error {
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			names := repo.Remotes()
			width := 0
			for _, name := range names {
				width = max(width, len(name))
			}
			for _, name := range names {
				if !urls {
					e.println(name)
					continue
				}
				url, err := remoteURL(repo, name)
				if err != nil {
					return err
				}
				e.printf("%-*s  %s\n", width, name, url)
			}
			return nil
		},
	}
}

// remoteURL is what a user knows a remote by.
func remoteURL(repo *ostree.Repo, name string) (string, error) {
	remote, err := repo.Remote(name)
	if err != nil {
		return "", err
	}
	if remote.Metalink != "" {
		return "metalink=" + remote.Metalink, nil
	}
	return remote.URL, nil
}
