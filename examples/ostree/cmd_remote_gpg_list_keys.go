package main

import (
	"context"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

func cmdRemoteGPGListKeys() *command {
	return &command{
		name: "gpg-list-keys", operands: "[NAME]", summary: "Show remote GPG keys",
		run: func(_ context.Context, e *env, args []string) error {
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			keys, err := repo.RemoteKeys(name)
			if err != nil {
				return err
			}
			for _, key := range keys.Keys() {
				e.printKey(key)
			}
			return nil
		},
	}
}

func (e *env) printKey(key sign.Key) {
	e.printSubkey("", "Key", key.Subkey)
	for _, u := range key.Users {
		advanced, direct := u.UpdateURLs()
		e.printf("  UID: %s%s\n", u.Text, keyMarks(u.Revoked, u.Invalid))
		e.printf("  Advanced update URL: %s\n", advanced)
		e.printf("  Direct update URL: %s\n", direct)
	}
	for _, subkey := range key.Subkeys {
		e.printSubkey("  ", "Subkey", subkey)
	}
}

func (e *env) printSubkey(indent, what string, k sign.Subkey) {
	e.printf("%s%s: %s%s\n", indent, what, k.Fingerprint, keyMarks(k.Revoked, k.Invalid))
	e.printf("%s  Created: %s\n", indent, formatLocalTime(k.Created))
	if k.Expires.IsZero() {
		return
	}
	verb := "Expires"
	if k.Expired {
		verb = "Expired"
	}
	e.printf("%s  %s: %s\n", indent, verb, formatLocalTime(k.Expires))
}

func keyMarks(revoked, invalid bool) string {
	marks := ""
	if revoked {
		marks = " (revoked)"
	}
	if invalid {
		marks += " (invalid)"
	}
	return marks
}

// formatLocalTime writes a time like the "%c" of the locale C.
func formatLocalTime(t time.Time) string { return t.Local().Format("Mon Jan _2 15:04:05 2006") }
