package main

import "context"

func cmdRemoteListCookies() *command {
	return &command{
		name: "list-cookies", operands: "NAME", summary: "Show remote repository cookies",
		run: func(_ context.Context, e *env, args []string) error {
			if len(args) < 1 {
				return usagef("NAME must be specified")
			}
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			cookies, err := repo.Cookies(args[0])
			if err != nil {
				return err
			}
			for _, c := range cookies {
				domain, secure, expires := c.Domain, "no", "with the session"
				if c.Subdomains {
					domain = "." + domain
				}
				if c.Secure {
					secure = "yes"
				}
				if !c.Expires.IsZero() {
					expires = c.Expires.UTC().Format("2006-01-02 15:04:05 +0000")
				}
				e.printf("--\nDomain: %s\nPath: %s\nName: %s\nSecure: %s\nExpires: %s\nValue: %s\n",
					domain, c.Path, c.Name, secure, expires, c.Value)
			}
			return nil
		},
	}
}
