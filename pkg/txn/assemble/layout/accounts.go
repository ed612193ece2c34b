package layout

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
)

// user is a line of passwd(5).
type user struct {
	name, password     string
	uid, gid           uint32
	gecos, home, shell string
}

// group is a line of group(5).
type group struct {
	name, password string
	gid            uint32
	members        []string
}

// accounts are the users and groups of a tree, in the order of its files.
type accounts struct {
	users  []user
	groups []group
	uids   map[uint32]string
	gids   map[uint32]string
}

// lastSystemID is the last id that Debian gives to system users and groups (Debian policy, 9.2.2);
// nobody and nogroup are the exception.
const (
	lastSystemID = 999
	nobodyID     = 65534
)

func systemID(id uint32) bool { return id <= lastSystemID || id == nobodyID }

func (f *files) loadAccounts(ctx context.Context) (*accounts, error) {
	passwd, _, _, err := f.read(ctx, "etc/passwd")
	if err != nil {
		return nil, err
	}
	groups, _, _, err := f.read(ctx, "etc/group")
	if err != nil {
		return nil, err
	}
	a := &accounts{uids: map[uint32]string{}, gids: map[uint32]string{}}
	if a.users, err = parsePasswd(passwd); err != nil {
		return nil, err
	}
	if a.groups, err = parseGroup(groups); err != nil {
		return nil, err
	}
	for _, u := range a.users {
		if _, ok := a.uids[u.uid]; !ok {
			a.uids[u.uid] = u.name
		}
	}
	for _, g := range a.groups {
		if _, ok := a.gids[g.gid]; !ok {
			a.gids[g.gid] = g.name
		}
	}
	return a, nil
}

// owner names a user id; ids without a name stay numbers, which tmpfiles.d and sysusers.d accept.
func (a *accounts) owner(uid uint32) string { return nameOf(a.uids, uid) }

// group names a group id.
func (a *accounts) group(gid uint32) string { return nameOf(a.gids, gid) }

func nameOf(names map[uint32]string, id uint32) string {
	if name, ok := names[id]; ok {
		return name
	}
	return strconv.FormatUint(uint64(id), 10)
}

func parsePasswd(data []byte) ([]user, error) {
	var users []user
	err := colonLines("/etc/passwd", data, 7, func(v []string) error {
		uid, err1 := parseID(v[2])
		gid, err2 := parseID(v[3])
		if err1 != nil || err2 != nil {
			return fmt.Errorf("user %q: bad id %q or %q", v[0], v[2], v[3])
		}
		users = append(users, user{v[0], v[1], uid, gid, v[4], v[5], v[6]})
		return nil
	})
	return users, err
}

func parseGroup(data []byte) ([]group, error) {
	var groups []group
	err := colonLines("/etc/group", data, 4, func(v []string) error {
		gid, err := parseID(v[2])
		if err != nil {
			return fmt.Errorf("group %q: bad id %q", v[0], v[2])
		}
		g := group{name: v[0], password: v[1], gid: gid}
		for m := range strings.SplitSeq(v[3], ",") {
			if m != "" {
				g.members = append(g.members, m)
			}
		}
		groups = append(groups, g)
		return nil
	})
	return groups, err
}

func parseID(s string) (uint32, error) {
	id, err := strconv.ParseUint(s, 10, 32)
	return uint32(id), err
}

// colonLines splits the lines of a file of the passwd family. Lines of NIS ("+::::") are left out.
func colonLines(name string, data []byte, fields int, fn func([]string) error) error {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		s := strings.TrimSuffix(string(line), "\n")
		if s == "" || s[0] == '+' || s[0] == '-' || s[0] == '#' {
			continue
		}
		v := strings.Split(s, ":")
		if len(v) != fields {
			return fmt.Errorf("%s line %d: %d fields instead of %d", name, n, len(v), fields)
		}
		if v[0] == "" {
			return fmt.Errorf("%s line %d: no name", name, n)
		}
		if err := fn(v); err != nil {
			return fmt.Errorf("%s line %d: %w", name, n, err)
		}
	}
	return nil
}

// accounts refuses usable passwords, makes the shadow file independent of the day of the build, and
// pins the ids of the system's users and groups.
func (f *folder) accounts(ctx context.Context) error {
	if err := f.lintPasswords(ctx); err != nil {
		return err
	}
	if err := f.rewrite(ctx, "etc/shadow", normaliseShadow); err != nil {
		return err
	}
	return f.sysusers(ctx)
}
