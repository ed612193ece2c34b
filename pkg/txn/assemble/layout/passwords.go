package layout

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

// lintPasswords refuses an image that anybody who has it could log in to. Locked ("!", "*") is the
// only state of a password that many machines may share, shadow(5).
func (f *folder) lintPasswords(ctx context.Context) error {
	for _, u := range f.names.users {
		if u.password != "x" && !locked(u.password) {
			return fmt.Errorf("/etc/passwd: user %s has a password in it, lock it with `passwd --lock %s`", u.name, u.name)
		}
	}
	data, _, _, err := f.read(ctx, "etc/shadow")
	if err != nil {
		return err
	}
	return colonLines("/etc/shadow", data, 9, func(v []string) error {
		switch {
		case v[1] == "":
			return fmt.Errorf("user %s has an empty password, lock it with `passwd --lock %s`", v[0], v[0])
		case !locked(v[1]) || strings.Contains(v[1], "$"):
			return fmt.Errorf("user %s has a password, which every machine would share: lock it with `usermod --password '!' %s`, and set one at first boot", v[0], v[0])
		}
		return nil
	})
}

func locked(password string) bool {
	return strings.HasPrefix(password, "!") || strings.HasPrefix(password, "*")
}

// normaliseShadow empties the date of the last change: it is the day of the build, or of whichever
// build first seeded the account, and says nothing about a locked password.
func normaliseShadow(data []byte) []byte {
	var out []byte
	for line := range bytes.Lines(data) {
		v := strings.Split(strings.TrimSuffix(string(line), "\n"), ":")
		if len(v) == 9 {
			v[2] = ""
		}
		out = append(out, strings.Join(v, ":")...)
		out = append(out, '\n')
	}
	return out
}
