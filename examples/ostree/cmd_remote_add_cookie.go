package main

import (
	"context"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// cookieYears is how long a cookie is good for.
const cookieYears = 25

func cmdRemoteAddCookie() *command {
	return &command{
		name: "add-cookie", operands: "NAME DOMAIN PATH COOKIE_NAME VALUE", summary: "Add a cookie to remote",
		run: func(_ context.Context, e *env, args []string) error {
			if len(args) < 5 {
				return usagef("NAME, DOMAIN, PATH, COOKIE_NAME and VALUE must be specified")
			}
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			domain, below := strings.CutPrefix(args[1], ".")
			return repo.AddCookie(args[0], ostree.Cookie{
				Domain: domain, Subdomains: below, Path: args[2], Name: args[3], Value: args[4],
				Expires: time.Now().AddDate(cookieYears, 0, 0),
			})
		},
	}
}
